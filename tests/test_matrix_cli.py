"""`python -m integrations matrix`, as a maintainer uses it on a build of his own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.rebuilt import rebuilt

pytestmark = pytest.mark.long

NO_MODEL = "        self._raw_config: Dict[str, Any] = dict(kwargs).copy()\n"
"""What AutoGen's client keeps of its arguments; MLflow looks for its `model`."""
A_MODEL = f'{NO_MODEL}        self.model = kwargs["model"]\n'
SYSTEM = "[SystemMessage(content=system_message)]"
BRIEF = '[SystemMessage(content=system_message + " Be brief.")]'


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
    """What is said of a build in which a prompt is new, and a gap is mended."""
    folder = tmp_path_factory.mktemp("build")
    own = (
        rebuilt("autogen-agentchat", "0.7.99", SYSTEM, BRIEF, folder),
        rebuilt("autogen-ext", "0.7.99", NO_MODEL, A_MODEL, folder),
    )
    chosen = ("--case", "autogen/graphflow_run", "--instrumentor", "plain autolog")
    done = integrations(
        *("matrix", "--cell", f"{own[0]}\n{own[1]}", *chosen, "--json"),
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
    assert [(row["case"], row["trouble"]) for row in cell["rows"]] == [("graphflow_run", None)]


@pytest.mark.cells
def test_a_prompt_that_a_build_changed_is_served_and_told(build: dict[str, Any]) -> None:
    (row,) = build["cells"][0]["rows"]
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
    (trouble,) = build["cells"][0]["troubles"]
    assert trouble.startswith("mended upstream: autogen_costs, plain autolog, is not seen with")
    assert "delete the patch autogen_completions" in trouble


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
