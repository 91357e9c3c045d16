"""`python -m integrations matrix`, as a maintainer uses it on a build of his own."""

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
"""What AutoGen's client keeps of its arguments; MLflow looks for its `model`."""
A_MODEL = f'{NO_MODEL}        self.model = kwargs["model"]\n'
SYSTEM = "[SystemMessage(content=system_message)]"
BRIEF = '[SystemMessage(content=system_message + " Be brief.")]'
A_TURN = 'INVOKE_AGENT = "invoke_agent"'
"""How AutoGen's own OpenTelemetry calls what an agent at work does."""
NO_TURN = 'INVOKE_AGENT = "invoke"'
OWN = "its own OpenTelemetry"


def integrations(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m integrations …` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "integrations", *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        env=os.environ | environment,
    )


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is said of a build: a prompt is new, a gap is mended, and its own spans tell less."""
    folder = tmp_path_factory.mktemp("build")
    own = (
        rebuild_wheel("autogen-agentchat", "0.7.99", SYSTEM, BRIEF, folder),
        rebuild_wheel("autogen-ext", "0.7.99", NO_MODEL, A_MODEL, folder),
        rebuild_wheel("autogen-core", "0.7.5+own", A_TURN, NO_TURN, folder),
    )
    under = ("--instrumentor", "plain autolog", "--instrumentor", OWN)
    done = integrations(
        *("matrix", "--cell", "\n".join(map(str, own)), "--case", "autogen/graphflow_run", *under),
        "--json",
        *("--markdown", str(folder / "report.md")),
        UV_OFFLINE="1",
    )
    if "could not be installed" in done.stdout:
        pytest.skip("its environment cannot be built offline: uv has not all of it yet")
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told | {"code": done.returncode, "markdown": (folder / "report.md").read_text()}


@pytest.mark.cells
def test_a_build_is_played_with_all_else_as_the_lock_pins_it(build: dict[str, Any]) -> None:
    (cell,) = build["cells"]
    assert cell["packages"]["autogen-agentchat"] == "0.7.99"
    assert cell["packages"]["mlflow"] == "3.17.2"
    assert [(row["case"], row["trouble"]) for row in cell["rows"]] == [("graphflow_run", None)] * 2


@pytest.mark.cells
def test_a_prompt_that_a_build_changed_is_served_and_told(build: dict[str, Any]) -> None:
    row, _ = build["cells"][0]["rows"]
    assert {(drift["lane"], drift["severity"]) for drift in row["drift"]} == {
        ("writer", "text"),
        ("critic", "text"),
        ("editor", "text"),
    }
    assert "Be brief." in row["drift"][0]["says"][0]
    assert "Be brief." in build["markdown"]


@pytest.mark.cells
def test_a_gap_that_a_build_mends_is_told_and_fails(build: dict[str, Any]) -> None:
    assert build["code"] == 1
    mended, _ = build["cells"][0]["troubles"]
    assert mended.startswith("mended upstream: autogen_costs, plain autolog, is not seen with")
    assert "delete the patch autogen_completions" in mended


@pytest.mark.cells
def test_what_a_frameworks_own_spans_no_longer_tell_is_worse_than_the_table(
    build: dict[str, Any],
) -> None:
    _, worse = build["cells"][0]["troubles"]
    assert worse == (
        f"worse than the fidelity table: autogen, {OWN}: turns of graphflow_run"
        " (0/3, and the table says 3/3); mend it; or, if it is to be so, once it is released,"
        " require it in pyproject.toml, make lock, and make fidelity"
    )
    _, row = build["cells"][0]["rows"]
    assert "type was AGENT and is UNKNOWN" in {edit["says"] for edit in row["edits"]}


def test_a_package_that_the_suite_does_not_know_is_refused() -> None:
    done = integrations("matrix", "--cell", "numpie @ file:///no/such/folder")
    assert done.returncode == 2
    assert "numpie" in done.stderr


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_played(
    tmp_path: Path,
) -> None:
    done = integrations("matrix", "--markdown", str(tmp_path / "none" / "report.md"))
    assert done.returncode == 2
    assert "there is no folder" in " ".join(done.stderr.split())


def test_the_declared_cells_are_listed() -> None:
    done = integrations("matrix", "--list")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split()[0] == "locked"


def test_the_help_says_how_to_test_a_build_of_ones_own() -> None:
    assert 'matrix --cell "mlflow @ file:///' in integrations("matrix", "--help").stdout
