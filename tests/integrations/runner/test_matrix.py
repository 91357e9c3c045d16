"""The matrix runs cases in environments and compares results with goldens and known gaps."""

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

from integrations.cli.environment_selection import select_cases
from integrations.environments.declared_environments import LOCKED
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.fidelity.table_file import load_table
from integrations.gaps.gap import EVERY_CASE, Gap, load_known_gaps
from integrations.gaps.reconciliation import reconcile_gaps
from integrations.goldens.accept import GoldenNotAcceptedError, accept_goldens
from integrations.goldens.golden_file import Golden, golden_path, load_golden, save_golden
from integrations.goldens.request_drift import ModelRequest
from integrations.runner.jobs import Job, JobRunner
from integrations.runner.matrix import EnvironmentResult, run_matrix

pytestmark = pytest.mark.long

CASES = select_cases(["autogen/graphflow_run", "autogen/raising_model"])
PLAIN_AUTOLOG = "plain autolog"
FRAMEWORK_TELEMETRY = "its own OpenTelemetry"


def problems_with(result: EnvironmentResult, known: Sequence[Gap]) -> tuple[str, ...]:
    """The problems of plain autolog, if these gaps were declared."""
    (plain,) = (each for each in result.gap_reconciliations if each.instrumentor == PLAIN_AUTOLOG)
    return reconcile_gaps("autogen", PLAIN_AUTOLOG, plain.packages, plain.counts, known).problems


@pytest.fixture(scope="module")
def locked() -> EnvironmentResult:
    """Two cases in the locked environment, under plain autolog and ours."""
    spec = replace(LOCKED, instrumentors=(PLAIN_AUTOLOG, "ours"))
    run = run_matrix([spec], CASES, load_known_gaps(), lambda line: None, load_table())
    with closing(run) as running:
        (result,) = running
    return result


def test_ours_is_complete_and_plain_autolog_has_its_declared_gaps(
    locked: EnvironmentResult,
) -> None:
    assert [each.problems for each in locked.gap_reconciliations] == [(), ()]
    complete = {
        (each.case.name, each.instrumentor): each.is_complete for each in locked.case_results
    }
    assert complete == {
        ("graphflow_run", PLAIN_AUTOLOG): False,
        ("raising_model", PLAIN_AUTOLOG): True,
        ("graphflow_run", "ours"): True,
        ("raising_model", "ours"): True,
    }


def test_the_locked_environment_agrees_with_the_goldens(
    locked: EnvironmentResult,
) -> None:
    assert [str(edit) for each in locked.case_results for edit in each.edits] == []
    assert [str(drift) for each in locked.case_results for drift in each.request_drifts] == []
    assert not any(each.lacks_golden for each in locked.case_results)


def test_the_locked_environment_agrees_with_the_fidelity_table(locked: EnvironmentResult) -> None:
    compared = [(each.instrumentor, each.problems) for each in locked.table_comparisons]
    assert compared == [(PLAIN_AUTOLOG, ()), ("ours", ())]


def test_an_undeclared_gap_is_a_problem(locked: EnvironmentResult) -> None:
    others = [gap for gap in load_known_gaps() if gap.name != "autogen_costs"]
    (problem,) = problems_with(locked, others)
    assert problem.startswith(
        "undeclared gap: autogen, plain autolog: costs of graphflow_run (0 of 3)"
    )


def test_a_gap_that_is_gone_is_a_problem_that_names_the_patch(locked: EnvironmentResult) -> None:
    (costs,) = (gap for gap in load_known_gaps() if gap.name == "autogen_costs")
    gone = replace(costs, name="gone", misses={"completions": EVERY_CASE})
    (problem,) = problems_with(locked, [*load_known_gaps(), gone])
    assert problem.startswith("fixed upstream: gone, plain autolog, does not occur with mlflow")
    assert "delete the patch autogen.completion_spans" in problem


def test_without_one_of_our_patches_the_matrix_fails(
    project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("integrations", "instrumentation", "patches"):
        copytree(project_root / part, tmp_path / part, ignore=ignore_patterns("__pycache__"))
    registry = tmp_path / "patches" / "registry.py"
    registry.write_text(registry.read_text().replace("            tool_spans.PATCH,\n", ""))
    monkeypatch.setattr("integrations.runner.case_process.PROJECT_FOLDER", tmp_path)
    ours = replace(LOCKED, instrumentors=("ours",))
    (result,) = run_matrix(
        [ours], select_cases(["autogen/agent_with_tool"]), load_known_gaps(), lambda line: None
    )
    *_, tools, golden = result.problems
    assert tools.startswith("undeclared gap: autogen, ours: tools of agent_with_tool (0 of 1)")
    assert "agent_with_tool differ from their goldens" in golden
    assert [edit.kind for edit in result.case_results[0].edits] == ["lost"]


@pytest.fixture(scope="module")
def telemetry() -> EnvironmentResult:
    """Two cases under the frameworks' own OpenTelemetry, which the openai client does not have."""
    spec, cases = (
        replace(LOCKED, instrumentors=(FRAMEWORK_TELEMETRY,)),
        select_cases(["raising_model", "sync"]),
    )
    with closing(
        run_matrix([spec], cases, load_known_gaps(), lambda line: None, load_table())
    ) as running:
        (result,) = running
    return result


def test_framework_telemetry_agrees_with_the_table_and_the_goldens(
    telemetry: EnvironmentResult,
) -> None:
    assert telemetry.problems == ()
    assert [(each.framework, each.instrumentor) for each in telemetry.table_comparisons] == [
        ("autogen", FRAMEWORK_TELEMETRY),
        ("openai", FRAMEWORK_TELEMETRY),
    ]
    assert telemetry.gap_reconciliations == ()


def test_an_unsupported_framework_is_not_run(telemetry: EnvironmentResult) -> None:
    unsupported = {each.case.framework: each.unsupported for each in telemetry.case_results}
    assert unsupported == {"autogen": "", "openai": "the openai client has no telemetry"}


def test_other_instrumentors_do_not_change_the_golden_requests(
    telemetry: EnvironmentResult, tmp_path: Path
) -> None:
    path = golden_path("autogen", "raising_model", tmp_path)
    save_golden(path, Golden((ModelRequest("as it is", "under ours", {}),)))
    assert accept_goldens(telemetry, tmp_path) == (path,)
    assert load_golden(path).model_requests == (ModelRequest("as it is", "under ours", {}),)
    assert set(load_golden(path).shapes) == {FRAMEWORK_TELEMETRY}


def test_accepted_goldens_are_read_back(locked: EnvironmentResult, tmp_path: Path) -> None:
    written = accept_goldens(locked, tmp_path)
    assert written == tuple(golden_path("autogen", case.name, tmp_path) for case in CASES)
    golden = load_golden(golden_path("autogen", "graphflow_run", tmp_path))
    assert [each.lane for each in golden.model_requests] == ["critic", "editor", "writer"]
    assert set(golden.shapes) == {PLAIN_AUTOLOG, "ours"}
    assert accept_goldens(locked, tmp_path) == ()


def test_a_run_with_a_problem_is_not_accepted(locked: EnvironmentResult, tmp_path: Path) -> None:
    broken = replace(locked, case_results=(replace(locked.case_results[0], problem="it hung"),))
    with pytest.raises(GoldenNotAcceptedError, match="graphflow_run: it hung"):
        accept_goldens(broken, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_declared_conflict_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    conflict = EnvironmentSpec(
        "a conflict", ("openai<2", "openai>=2"), ("autogen",), expects_conflict=True
    )
    (result,) = run_matrix([conflict], CASES, load_known_gaps(), lambda line: None)
    assert result.case_results == ()
    assert "openai<2" in result.install_error
    assert result.passed


@pytest.mark.parametrize("send_signal", [os.kill, os.killpg])
def test_ctrl_c_ends_the_command_and_all_child_processes(
    send_signal: Callable[[int, int], None], project_root: Path
) -> None:
    """A terminal signals the whole process group. The children are not in it, because their end
    would be reported as a problem."""
    command = [sys.executable, "-m", "integrations", "matrix", "--only", "locked"]
    running = subprocess.Popen(
        [*command, "--case", "autogen/agent_with_tool"],
        cwd=project_root,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (children := _children(running.pid)):
        time.sleep(0.1)
        assert running.poll() is None
    assert running.pid not in {os.getpgid(int(child)) for child in children}
    send_signal(running.pid, signal.SIGINT)
    _, stderr = running.communicate(timeout=20)
    assert running.returncode == 130
    assert (
        stderr == "\nstopped: the environments built so far are kept, the results are discarded\n"
    )
    assert not any(Path("/proc", child).exists() for child in children)


def test_a_closed_runner_reports_no_progress() -> None:
    lines: list[str] = []
    runner = JobRunner(lines.append)
    runner.close()
    runner.run_job(Job("locked", Path(sys.executable), PLAIN_AUTOLOG, tuple(CASES)))
    assert lines == []


def _children(pid: int) -> list[str]:
    """The child processes that run cases."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    found = [child for task in tasks for child in task.read_text().split()]
    return [child for child in found if b"integrations.programs" in _command(child)]


def _command(process: str) -> bytes:
    try:
        return Path("/proc", process, "cmdline").read_bytes()
    except OSError:
        return b""
