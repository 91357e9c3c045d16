"""The matrix: cells are flown, and what they show is held against goldens and known gaps."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from integrations.cli.selection import select_cases
from integrations.environments.declared_environments import LOCKED
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.fidelity import table_file
from integrations.gaps.gap import EVERY_CASE, Gap
from integrations.gaps.known_gaps import KNOWN_GAPS
from integrations.gaps.reconciliation import reconcile_gaps
from integrations.goldens.accept import GoldenNotAcceptedError, accept_goldens
from integrations.goldens.golden_file import Golden, golden_path, load_golden, save_golden
from integrations.goldens.model_requests import ModelRequest
from integrations.matrix.environment_result import EnvironmentResult
from integrations.matrix.matrix import run_matrix
from integrations.runner.case_process import current_python
from integrations.runner.jobs import Job, JobRunner

pytestmark = pytest.mark.long

CASES = select_cases(["autogen/graphflow_run", "autogen/raising_model"])
PLAIN = "plain autolog"
OWN = "its own OpenTelemetry"


def held(seen: EnvironmentResult, known: Sequence[Gap]) -> tuple[str, ...]:
    """What is said of plain autolog in the cell, had these gaps been declared."""
    (plain,) = (each for each in seen.gap_reconciliations if each.instrumentor == PLAIN)
    return reconcile_gaps("autogen", PLAIN, plain.packages, plain.counts, known).problems


@pytest.fixture(scope="module")
def locked() -> EnvironmentResult:
    """The lock's own cell, with two cases under plain autolog and under ours."""
    cell = replace(LOCKED, instrumentors=(PLAIN, "ours"))
    with closing(run_matrix([cell], CASES, KNOWN_GAPS, lambda line: None)) as running:
        (seen,) = running
    return seen


def test_ours_tells_all_and_plain_autolog_what_is_declared(locked: EnvironmentResult) -> None:
    assert [each.problems for each in locked.gap_reconciliations] == [(), ()]
    whole = {(row.case.name, row.instrumentor): row.is_complete for row in locked.case_results}
    assert whole == {
        ("graphflow_run", PLAIN): False,
        ("raising_model", PLAIN): True,
        ("graphflow_run", "ours"): True,
        ("raising_model", "ours"): True,
    }


def test_the_trees_and_prompts_of_the_locked_cell_are_the_goldens(
    locked: EnvironmentResult,
) -> None:
    assert [str(edit) for row in locked.case_results for edit in row.edits] == []
    assert [str(drift) for row in locked.case_results for drift in row.request_drifts] == []
    assert not any(row.lacks_golden for row in locked.case_results)


def test_a_gap_that_is_not_declared_is_told(locked: EnvironmentResult) -> None:
    others = [gap for gap in KNOWN_GAPS if gap.name != "autogen_costs"]
    (says,) = held(locked, others)
    assert says.startswith("undeclared: autogen, plain autolog: costs of graphflow_run (0 of 3)")


def test_a_gap_that_is_gone_is_told_with_the_patch_to_delete(locked: EnvironmentResult) -> None:
    (costs,) = (gap for gap in KNOWN_GAPS if gap.name == "autogen_costs")
    gone = replace(costs, name="gone", misses={"completions": EVERY_CASE})
    (says,) = held(locked, [*KNOWN_GAPS, gone])
    assert says.startswith("mended upstream: gone, plain autolog, is not seen with mlflow")
    assert "delete the patch autogen_completions" in says


def test_a_patch_of_ours_that_is_off_turns_it_red(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("integrations", "instrumentation", "patches"):
        copytree(house / part, tmp_path / part, ignore=ignore_patterns("__pycache__"))
    repairs = tmp_path / "patches" / "repairs.py"
    repairs.write_text(repairs.read_text().replace("            autogen_tools.PATCH,\n", ""))
    monkeypatch.setattr("integrations.runner.case_process.HOUSE", tmp_path)
    ours = replace(LOCKED, instrumentors=("ours",))
    (seen,) = run_matrix(
        [ours], select_cases(["autogen/agent_with_tool"]), KNOWN_GAPS, lambda line: None
    )
    *_, tools, golden = seen.problems
    assert tools.startswith("undeclared: autogen, ours: tools of agent_with_tool (0 of 1)")
    assert "agent_with_tool are not as their goldens" in golden
    assert [edit.kind for edit in seen.case_results[0].edits] == ["lost"]


@pytest.fixture(scope="module")
def own() -> EnvironmentResult:
    """The lock's own cell under what a framework tells by itself, and under what openai does."""
    cell, cases = replace(LOCKED, instrumentors=(OWN,)), select_cases(["raising_model", "sync"])
    with closing(
        run_matrix([cell], cases, KNOWN_GAPS, lambda line: None, table_file.load_table())
    ) as running:
        (seen,) = running
    return seen


def test_a_frameworks_own_is_as_the_table_and_its_goldens_say(own: EnvironmentResult) -> None:
    assert own.problems == ()
    assert [(each.framework, each.instrumentor) for each in own.table_comparisons] == [
        ("autogen", OWN),
        ("openai", OWN),
    ]
    assert own.gap_reconciliations == ()


def test_what_has_none_is_not_flown_and_says_so(own: EnvironmentResult) -> None:
    absent = {row.case.framework: row.unsupported for row in own.case_results}
    assert absent == {"autogen": "", "openai": "the client has none"}


def test_what_is_asked_is_golden_as_it_is_under_ours(
    own: EnvironmentResult, tmp_path: Path
) -> None:
    path = golden_path("autogen", "raising_model", tmp_path)
    save_golden(path, Golden((ModelRequest("as it is", "under ours", {}),)))
    assert accept_goldens(own, tmp_path) == (path,)
    assert load_golden(path).model_requests == (ModelRequest("as it is", "under ours", {}),)
    assert set(load_golden(path).shapes) == {OWN}


def test_what_is_accepted_is_what_is_read_back(locked: EnvironmentResult, tmp_path: Path) -> None:
    written = accept_goldens(locked, tmp_path)
    assert written == tuple(golden_path("autogen", case.name, tmp_path) for case in CASES)
    golden = load_golden(golden_path("autogen", "graphflow_run", tmp_path))
    assert [each.lane for each in golden.model_requests] == ["critic", "editor", "writer"]
    assert set(golden.shapes) == {PLAIN, "ours"}
    assert accept_goldens(locked, tmp_path) == ()


def test_what_went_wrong_is_not_accepted(locked: EnvironmentResult, tmp_path: Path) -> None:
    broken = replace(locked, case_results=(replace(locked.case_results[0], problem="it hung"),))
    with pytest.raises(GoldenNotAcceptedError, match="graphflow_run: it hung"):
        accept_goldens(broken, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cell_that_excludes_itself_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    conflict = EnvironmentSpec(
        "a conflict", ("openai<2", "openai>=2"), ("autogen",), expects_conflict=True
    )
    (seen,) = run_matrix([conflict], CASES, KNOWN_GAPS, lambda line: None)
    assert seen.case_results == ()
    assert "openai<2" in seen.install_error
    assert seen.passed


@pytest.mark.parametrize("sent", [os.kill, os.killpg])
def test_ctrl_c_ends_it_and_leaves_no_process(
    sent: Callable[[int, int], None], house: Path
) -> None:
    """A terminal sends it to the whole group, of which the children are none: else they would end
    before they are ended, and be told as what went wrong."""
    command = [sys.executable, "-m", "integrations", "matrix", "--only", "locked"]
    running = subprocess.Popen(
        [*command, "--case", "autogen/agent_with_tool"],
        cwd=house,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (children := _children(running.pid)):
        time.sleep(0.1)
        assert running.poll() is None
    assert running.pid not in {os.getpgid(int(child)) for child in children}
    sent(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=20)
    assert running.returncode == 130
    assert said == "\nstopped; environments that are built stay, and nothing else\n"
    assert not any(Path("/proc", child).exists() for child in children)


def test_what_is_ended_is_not_told_as_flown() -> None:
    told: list[str] = []
    tower = JobRunner(told.append)
    tower.close()
    tower.run_job(Job("locked", current_python(), PLAIN, tuple(CASES)))
    assert told == []


def _children(of: int) -> list[str]:
    """The processes of cells that a process has started."""
    tasks = Path(f"/proc/{of}/task").glob("*/children")
    found = [child for task in tasks for child in task.read_text().split()]
    return [child for child in found if b"integrations.programs" in _command(child)]


def _command(process: str) -> bytes:
    try:
        return Path("/proc", process, "cmdline").read_bytes()
    except OSError:
        return b""
