"""`python -m integrations matrix` with a build of an instrumentor, as its maintainer runs it."""

import json
from typing import Any

import pytest

from integrations.environments.build import find_environment
from integrations.environments.uv import InstallError
from tests.integrations.cli.rebuilt_package import rebuild_wheel
from tests.integrations.cli.test_matrix_command import run_integrations

pytestmark = [pytest.mark.openinference, pytest.mark.long]
NAME = "openinference-instrumentation-openai"
COUNT = "SpanAttributes.LLM_TOKEN_COUNT"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a build of OpenInference that renames its token counts."""
    try:
        folder_of_environment = find_environment("openinference").folder
    except InstallError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("build")
    wheel = rebuild_wheel(
        NAME, "0.1.999", COUNT, f'"lost." + {COUNT}', folder, folder_of_environment
    )
    chosen = ("--case", "openai/sync", "--case", "openai/stream_connection_breaks")
    completed = run_integrations("matrix", "--with", str(wheel), *chosen, "--json", UV_OFFLINE="1")
    if "could not be installed" in completed.stdout:
        pytest.skip("the environment cannot be built offline: uv has not cached all of it")
    assert completed.stdout, completed.stderr
    report: dict[str, Any] = json.loads(completed.stdout)
    return report | {"code": completed.returncode}


def test_a_build_runs_under_its_instrumentor_with_the_versions_of_that_lock(
    build: dict[str, Any],
) -> None:
    (environment,) = build["environments"]
    assert environment["packages"][NAME] == "0.1.999"
    assert environment["packages"]["openinference-instrumentation-crewai"] == "1.1.21"
    assert {result["instrumentor"] for result in environment["results"]} == {"OpenInference"}


def test_missing_records_are_worse_than_the_table_and_fail(build: dict[str, Any]) -> None:
    assert build["code"] == 1
    (environment,) = build["environments"]
    tokens, costs = environment["problems"]
    assert tokens.startswith(
        "worse than the fidelity table: openai, OpenInference: tokens of sync (0/28; the table"
    )
    assert "costs of sync (0/1; the table has 1/1)" in costs
    assert {(each["case"], each["direction"]) for each in environment["table_differences"]} == {
        ("sync", "worse")
    }


def test_changed_trees_are_reported(build: dict[str, Any]) -> None:
    edits = [edit for result in build["environments"][0]["results"] for edit in result["edits"]]
    assert [each for each in edits if "llm.token_count" in each["description"]]


def test_the_locked_environment_of_an_instrumentor_agrees_with_table_and_goldens() -> None:
    chosen = ("--only", "openinference", "--case", "openai/sync", "--case", "openai/cancelled")
    completed = run_integrations("matrix", *chosen, "--json")
    if "has not been built" in completed.stdout:
        pytest.skip("make openinference-env")
    (environment,) = json.loads(completed.stdout)["environments"]
    assert environment["problems"] == []
    assert len(environment["results"]) == 2
