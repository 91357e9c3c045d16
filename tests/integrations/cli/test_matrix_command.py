"""`python -m integrations matrix` with a build of a framework, as its maintainer runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.cli.rebuilt_package import rebuild_wheel

pytestmark = pytest.mark.long

NO_MODEL = "        self._raw_config: Dict[str, Any] = dict(kwargs).copy()\n"
"""AutoGen's client does not store `model`, which MLflow looks for."""
A_MODEL = f'{NO_MODEL}        self.model = kwargs["model"]\n'
SYSTEM = "[SystemMessage(content=system_message)]"
BRIEF = '[SystemMessage(content=system_message + " Be brief.")]'
A_TURN = 'INVOKE_AGENT = "invoke_agent"'
"""The operation of agent spans in AutoGen's own OpenTelemetry."""
NO_TURN = 'INVOKE_AGENT = "invoke"'
FRAMEWORK_TELEMETRY = "its own OpenTelemetry"


def run_integrations(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m integrations …` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "integrations", *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        env=os.environ | environment,
    )


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a build that changes a prompt, fixes a gap, and breaks its own agent spans."""
    folder = tmp_path_factory.mktemp("build")
    wheels = (
        rebuild_wheel("autogen-agentchat", "0.7.99", SYSTEM, BRIEF, folder),
        rebuild_wheel("autogen-ext", "0.7.99", NO_MODEL, A_MODEL, folder),
        rebuild_wheel("autogen-core", "0.7.5+own", A_TURN, NO_TURN, folder),
    )
    instrumentors = ("--instrumentor", "plain autolog", "--instrumentor", FRAMEWORK_TELEMETRY)
    completed = run_integrations(
        *(
            "matrix",
            "--with",
            "\n".join(map(str, wheels)),
            "--case",
            "autogen/graphflow_run",
            *instrumentors,
        ),
        "--json",
        *("--markdown", str(folder / "report.md")),
        UV_OFFLINE="1",
    )
    if "could not be installed" in completed.stdout:
        pytest.skip("the environment cannot be built offline: uv has not cached all of it")
    assert completed.stdout, completed.stderr
    report: dict[str, Any] = json.loads(completed.stdout)
    return report | {"code": completed.returncode, "markdown": (folder / "report.md").read_text()}


@pytest.mark.matrix
def test_a_build_runs_with_the_other_versions_of_the_lock(build: dict[str, Any]) -> None:
    (environment,) = build["environments"]
    assert environment["packages"]["autogen-agentchat"] == "0.7.99"
    assert environment["packages"]["mlflow"] == "3.17.2"
    assert [(result["case"], result["problem"]) for result in environment["results"]] == [
        ("graphflow_run", None)
    ] * 2


@pytest.mark.matrix
def test_a_prompt_that_a_build_changes_is_answered_and_reported(build: dict[str, Any]) -> None:
    result, _ = build["environments"][0]["results"]
    assert {(drift["lane"], drift["severity"]) for drift in result["drift"]} == {
        ("writer", "text"),
        ("critic", "text"),
        ("editor", "text"),
    }
    assert "Be brief." in result["drift"][0]["descriptions"][0]
    assert "Be brief." in build["markdown"]


@pytest.mark.matrix
def test_a_gap_that_a_build_fixes_is_reported_and_fails(build: dict[str, Any]) -> None:
    assert build["code"] == 1
    fixed, _ = build["environments"][0]["problems"]
    assert fixed.startswith("fixed upstream: autogen_costs, plain autolog, does not occur with")
    assert "delete the patch autogen.completion_spans" in fixed


@pytest.mark.matrix
def test_missing_spans_of_the_framework_are_worse_than_the_table(
    build: dict[str, Any],
) -> None:
    _, worse = build["environments"][0]["problems"]
    assert worse == (
        f"worse than the fidelity table: autogen, {FRAMEWORK_TELEMETRY}: turns of graphflow_run"
        " (0/3; the table has 3/3); fix it; or, if this is intended, once it is released,"
        " require it in pyproject.toml, run make lock, and run make fidelity"
    )
    _, result = build["environments"][0]["results"]
    assert "type was AGENT and is UNKNOWN" in {edit["description"] for edit in result["edits"]}


def test_an_unknown_package_is_refused() -> None:
    completed = run_integrations("matrix", "--with", "numpie @ file:///no/such/folder")
    assert completed.returncode == 2
    assert "numpie" in completed.stderr


def test_a_report_that_cannot_be_written_is_refused_first(
    tmp_path: Path,
) -> None:
    completed = run_integrations("matrix", "--markdown", str(tmp_path / "none" / "report.md"))
    assert completed.returncode == 2
    assert "there is no folder" in " ".join(completed.stderr.split())


def test_the_declared_environments_are_listed() -> None:
    completed = run_integrations("matrix", "--list")
    assert completed.returncode == 0
    assert completed.stdout.splitlines()[0].split()[0] == "locked"


def test_the_help_says_how_to_test_a_build() -> None:
    assert 'matrix --with "mlflow @ file:///' in run_integrations("matrix", "--help").stdout
