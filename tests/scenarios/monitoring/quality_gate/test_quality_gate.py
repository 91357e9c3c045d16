"""The quality gate: its verdict on stored traces, exit codes, Markdown, JSON and the baseline."""

import json
from pathlib import Path
from typing import Any

import mlflow
import pytest

from instrumentation import enable_tracing, record_run
from tests.support.cli_runner import CommandResult, run_command

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:Starting with pandas version 4"),  # MLflow's own call
]

TASKS = [f"Where is the order {name}?" for name in ("A-1", "A-2", "A-3", "A-4", "A-5", "A-6")]
THRESHOLD = "[evaluation.at_least]\nno_finding = 0.9\n"


def answer(task: str, calls: int) -> None:
    """Leave the trace of a clerk that looks an order up; more than twice is a repetition."""
    with record_run(), mlflow.start_span("order", span_type="CHAIN") as run:
        run.set_inputs({"task": task})
        with mlflow.start_span("clerk", span_type="AGENT"):
            for _ in range(calls):
                with mlflow.start_span("find_order", span_type="TOOL") as call:
                    call.set_inputs({"order": task})
                    call.set_outputs({"state": "sent"})
        run.set_outputs("It was sent.")


@pytest.fixture(scope="module")
def runs(store: str) -> str:
    """A store with the runs of two versions of a program, each in an experiment of its own."""
    for experiment, calls in (("gate good", 1), ("gate bad", 5)):
        with enable_tracing(store, experiment=experiment):
            for task in TASKS:
                answer(task, calls)
    return store


def run_gate(store: str, folder: Path, experiment: str, text: str, *options: str) -> CommandResult:
    file = folder / "gate.toml"
    file.write_text(f'[traces]\nexperiment = "{experiment}"\n{text}')
    return run_command(store, "quality-gate", str(file), *options)


def find_check(result: CommandResult, section: str) -> dict[str, Any]:
    checks = json.loads(result.stdout)["checks"]
    return next(check for check in checks if check["section"] == section)


def test_a_good_version_passes_with_exit_code_0(runs: str, tmp_path: Path) -> None:
    text = f"{THRESHOLD}[diagnosis]\n[alerts]\n"
    result = run_gate(runs, tmp_path, "gate good", text, "--json")
    assert result.exit_code == 0, result.stdout
    report = json.loads(result.stdout)
    assert (report["verdict"], report["traces"]) == ("passed", len(TASKS))
    assert {check["verdict"] for check in report["checks"]} <= {"passed", "skipped"}


def test_a_bad_version_fails_each_section_with_exit_code_1(runs: str, tmp_path: Path) -> None:
    text = f"{THRESHOLD}[diagnosis]\n[alerts]\n"
    result = run_gate(runs, tmp_path, "gate bad", text, "--json")
    assert result.exit_code == 1
    evaluation, diagnosis = find_check(result, "evaluation"), find_check(result, "diagnosis")
    assert (evaluation["verdict"], evaluation["measured"]) == ("failed", "0")
    assert (diagnosis["verdict"], diagnosis["measured"]) == ("failed", str(len(TASKS)))
    assert "step repetition (6); the first begun by clerk in find_order" in diagnosis["reason"]
    assert diagnosis["trace_id"].startswith("tr-")
    failed = [
        one["name"] for one in json.loads(result.stdout)["checks"] if one["verdict"] == "failed"
    ]
    assert failed == ["no_finding", "runs with findings", "loop"]


def test_allowed_modes_do_not_count(runs: str, tmp_path: Path) -> None:
    text = '[diagnosis]\nallowed = ["step repetition"]\n'
    assert run_gate(runs, tmp_path, "gate bad", text).exit_code == 0


@pytest.mark.parametrize(
    "text",
    ["at_least = 7\n[diagnosis]\n", "[cost]\ntokens_per_run = 9\n"],
    ids=["too few traces", "no tokens"],
)
def test_what_cannot_be_measured_is_no_pass(runs: str, tmp_path: Path, text: str) -> None:
    result = run_gate(runs, tmp_path, "gate good", text, "--json")
    assert (result.exit_code, json.loads(result.stdout)["verdict"]) == (2, "not evaluated")


def test_the_summary_for_a_pull_request_has_a_table_and_the_reasons(
    runs: str, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    result = run_gate(runs, tmp_path, "gate bad", "[diagnosis]\n", "--markdown", str(summary))
    assert "Quality gate failed: 6 finished traces since 1d" in result.stdout
    text = summary.read_text()
    assert text.startswith("## Quality gate failed: 6 finished traces since 1d\n")
    assert "| ❌ | diagnosis: runs with findings | 6 | at most 0 |" in text
    assert "- ❌ diagnosis: runs with findings: step repetition (6)" in text


def test_own_expectations_and_scorers_are_scored(runs: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from flight_recorder.testing import calls_tool\n"
        "from mlflow.genai.scorers import ResponseLength\n"
        'EXPECTATIONS = [calls_tool("clerk", "find_order", times=1)]\n'
        'SCORERS = [ResponseLength(min_length=5, unit="chars")]\n'
    )
    text = (
        '[evaluation]\nexpectations = "mine.py"\nscorers = "mine.py"\n'
        "[evaluation.at_least]\nmeets_expectations = 1\nresponse_length = 1\n"
    )
    assert run_gate(runs, tmp_path, "gate good", text).exit_code == 0
    assert run_gate(runs, tmp_path, "gate bad", text).exit_code == 1


def test_a_threshold_without_a_scorer_is_an_error_with_the_nearest_name(
    runs: str, tmp_path: Path
) -> None:
    result = run_gate(runs, tmp_path, "gate good", THRESHOLD.replace("no_", "on_"))
    assert result.exit_code == 2
    assert "line 4: unknown scorer 'on_finding'; did you mean no_finding?" in result.stderr


def test_a_version_that_is_significantly_worse_than_the_baseline_fails(
    runs: str, tmp_path: Path
) -> None:
    assert run_gate(runs, tmp_path, "gate good", THRESHOLD).exit_code == 0
    mlflow.set_tracking_uri(runs)
    (baseline, *_) = mlflow.search_runs(
        experiment_names=["gate good"], output_format="list", order_by=["start_time DESC"]
    )
    lenient = THRESHOLD.replace("0.9", "0")
    text = f'[evaluation]\nbaseline = "{baseline.info.run_id}"\n{lenient}'
    same = run_gate(runs, tmp_path, "gate good", text, "--json")
    assert find_check(same, "baseline")["verdict"] == "passed"
    worse = run_gate(runs, tmp_path, "gate bad", text, "--json")
    check = find_check(worse, "baseline")
    assert (worse.exit_code, check["verdict"], check["measured"]) == (1, "failed", "-1")
    assert check["reason"] == "no_finding is worse than in the baseline (p = 0.031)"
