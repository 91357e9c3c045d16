"""The benchmark of the diagnosis: labels, equality, baselines, intervals, and its command."""

import json
from pathlib import Path
from typing import Any

import pytest

from scenarios.evaluation.diagnosis_benchmark.accuracy import LogShare
from scenarios.evaluation.diagnosis_benchmark.benchmark import run_benchmark
from scenarios.evaluation.diagnosis_benchmark.labelled_logs import (
    BenchmarkDataError,
    Label,
    LabelledLogs,
    read_labelled_logs,
)
from tests.support.cli_runner import run_command
from tests.support.conversation_logs import agentrx_label, group_chat, orchestrated, tool_calls


def write(folder: Path, **documents: Any) -> Path:
    for name, document in documents.items():
        file = folder / f"{name.replace('__', '/')}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document), "utf-8")
    return folder


def labels_of(logs: LabelledLogs) -> dict[str, Label | None]:
    return {log.id: log.label for log in logs.failed}


def scores(folder: Path) -> dict[str, dict[str, Any]]:
    """The scores of the only data set, by method."""
    result = json.loads(run_command("", "bench-diagnosis", str(folder), "--json").stdout)
    (data_set,) = result["data_sets"]
    return {one["method"]: one for one in data_set["methods"]}


def test_labels_are_read_from_the_log_or_from_a_file_beside_it(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        a__wells=group_chat(),
        b__ferry=orchestrated()["history"],
        b__parcels=[tool_calls(task_id=7), tool_calls(task_id=8)],
        labels=[agentrx_label("ferry", "Lead", 3), agentrx_label(7, "Assistant", 5)],
    )
    logs = read_labelled_logs(folder)
    assert labels_of(logs) == {
        "wells-1": Label("Analyst", 1),
        "ferry": Label("Lead", 2),  # counted from 1, in a log without numbers
        "7": Label("Assistant", 5),  # the number in the log
    }
    assert {log.data_set for log in logs.failed} == {"a", "b"}
    assert (logs.unlabelled_count, logs.unread) == (1, [])


def test_a_log_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    logs = read_labelled_logs(write(tmp_path, a__x=group_chat(), b__x=group_chat()))
    assert (len(logs.failed), logs.duplicate_count) == (1, 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mistake_step": "9"}, "its mistake_step, '9', is no step; expected a number from 0 to 4"),
        ({"mistake_step": None}, "its mistake_step, None, is no step"),
        ({"mistake_agent": " "}, "the agent of its label is ' '; expected a name"),
        ({"history": [{"role": "A", "content": 1}]}, "history[0].content: 1 is no text"),
    ],
)
def test_a_log_that_cannot_be_used_is_listed_with_the_reason(
    change: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, good=orchestrated(), bad=group_chat() | change)
    ((name, found),) = read_labelled_logs(folder).unread
    assert "bad.json" in name
    assert reason in found
    assert f"{name}: {found}" in run_command("", "bench-diagnosis", str(folder)).stdout


def test_an_answer_is_right_if_it_equals_the_label_and_no_answer_is_wrong(tmp_path: Path) -> None:
    found = scores(write(tmp_path, wells=group_chat(), ferry=orchestrated()))["diagnosis"]
    assert (found["agent"]["correct"], found["step"]["correct"]) == (1, 1)
    assert found["agent"]["accuracy"] == 0.5
    assert found["unanswered"] == 1


def test_the_most_suspicious_step_is_measured_beside_the_diagnosis(tmp_path: Path) -> None:
    found = scores(write(tmp_path, wells=group_chat(), ferry=orchestrated()))
    suspicion = found["most suspicious step"]
    assert (suspicion["agent"]["correct"], suspicion["step"]["correct"]) == (2, 2)
    assert suspicion["unanswered"] == 0


def test_the_baselines_are_measured_on_the_same_logs(tmp_path: Path) -> None:
    found = scores(write(tmp_path, wells=group_chat(), ferry=orchestrated()))
    correct = {name: (one["agent"]["correct"], one["step"]) for name, one in found.items()}
    assert correct["first speaker"][0] == 0
    assert correct["last speaker"][0] == 1  # wells ends with its Analyst
    assert correct["most frequent speaker"] == (0, None)
    assert found["always step 1"]["step"]["correct"] == 1
    assert found["at random"]["agent"]["correct"] == pytest.approx(1 / 2 + 1 / 3)
    assert found["at random"]["step"]["correct"] == pytest.approx(1 / 4 + 1 / 5)


@pytest.mark.parametrize(
    ("correct", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (34, 126, 0.2, 0.3533)],
)
def test_the_interval_is_wilsons(correct: int, count: int, low: float, high: float) -> None:
    assert LogShare(correct, count).interval == pytest.approx((low, high), abs=1e-4)


def test_findings_in_runs_that_succeeded_are_false_alarms(tmp_path: Path) -> None:
    healthy = tool_calls(reward=1.0)
    stalled = tool_calls(reward=1.0, task_id=8)
    stalled["traj"][3]["content"] = '{"state": "pending"}'
    folder = write(tmp_path, failed=group_chat(), healthy=[healthy, stalled])
    result = run_benchmark(read_labelled_logs(folder))
    assert (result.alarms.correct, result.alarms.count) == (1, 2)


def test_each_log_is_in_one_half(tmp_path: Path) -> None:
    many = {f"log{number}": group_chat() | {"question_ID": str(number)} for number in range(40)}
    folder = write(tmp_path, **many)
    counts = {
        half: json.loads(
            run_command("", "bench-diagnosis", str(folder), "--half", half, "--json").stdout
        )["data_sets"][0]["logs"]
        for half in ("tuning", "held-out")
    }
    assert sum(counts.values()) == 40
    assert min(counts.values()) > 10


@pytest.mark.parametrize("arguments", [(), ("nowhere",), (".",)], ids=["none", "missing", "empty"])
def test_without_labelled_logs_it_says_where_to_get_some(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run_command("", "bench-diagnosis", *arguments)
    assert result.exit_code == 2
    assert "Who&When (MIT" in result.stderr
    assert "git clone https://github.com/microsoft/AgentRx" in result.stderr
    with pytest.raises(BenchmarkDataError):
        read_labelled_logs(tmp_path)


def test_the_report_has_a_row_per_method_with_intervals(tmp_path: Path) -> None:
    result = run_command("", "bench-diagnosis", str(write(tmp_path, wells=group_chat())))
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if line.startswith("diagnosis"))
    assert "100.0% (21%–100%)" in row
