"""`python -m integrations matrix`, as the maintainer of another's instrumentor uses it."""

import json
from typing import Any

import pytest

from integrations.environments.build import find_environment
from integrations.environments.uv import InstallError
from tests.integrations.cli.rebuilt_package import rebuild_wheel
from tests.integrations.cli.test_matrix_command import integrations

pytestmark = [pytest.mark.openinference, pytest.mark.long]
NAME = "openinference-instrumentation-openai"
COUNT = "SpanAttributes.LLM_TOKEN_COUNT"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is said of a build of OpenInference that calls the counts of tokens something else."""
    try:
        where = find_environment("openinference").folder
    except InstallError as why:
        pytest.skip(str(why))
    folder = tmp_path_factory.mktemp("build")
    wheel = rebuild_wheel(NAME, "0.1.999", COUNT, f'"lost." + {COUNT}', folder, where)
    chosen = ("--case", "openai/sync", "--case", "openai/stream_breaks")
    done = integrations("matrix", "--cell", str(wheel), *chosen, "--json", UV_OFFLINE="1")
    if "could not be installed" in done.stdout:
        pytest.skip("its environment cannot be built offline: uv has not all of it yet")
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told | {"code": done.returncode}


def test_it_is_played_under_its_instrumentor_with_all_else_as_that_lock_pins_it(
    build: dict[str, Any],
) -> None:
    (cell,) = build["cells"]
    assert cell["packages"][NAME] == "0.1.999"
    assert cell["packages"]["openinference-instrumentation-crewai"] == "1.1.21"
    assert {row["instrumentor"] for row in cell["rows"]} == {"OpenInference"}


def test_what_it_no_longer_tells_is_worse_than_the_table_and_fails(build: dict[str, Any]) -> None:
    assert build["code"] == 1
    (cell,) = build["cells"]
    of_tokens, of_costs = cell["troubles"]
    assert of_tokens.startswith(
        "worse than the fidelity table: openai, OpenInference: tokens of sync (0/28, and the table"
    )
    assert "costs of sync (0/1, and the table says 1/1)" in of_costs
    assert {(each["case"], each["way"]) for each in cell["unlike_table"]} == {("sync", "worse")}


def test_how_its_tree_changed_is_told(build: dict[str, Any]) -> None:
    edits = [edit for row in build["cells"][0]["rows"] for edit in row["edits"]]
    assert [each for each in edits if "llm.token_count" in each["says"]]


def test_the_locked_cell_of_an_instrumentor_is_as_the_table_and_its_goldens_say() -> None:
    chosen = ("--only", "openinference", "--case", "openai/sync", "--case", "openai/cancelled")
    done = integrations("matrix", *chosen, "--json")
    if "has not been built" in done.stdout:
        pytest.skip("make openinference-env")
    (cell,) = json.loads(done.stdout)["cells"]
    assert cell["troubles"] == []
    assert len(cell["rows"]) == 2
