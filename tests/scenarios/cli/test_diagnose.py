"""The command `diagnose`: its JSON, its report, its exit codes, and the traces that it reads."""

import json
from pathlib import Path
from typing import Any

import mlflow
import pytest

from instrumentation import enable_tracing
from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import scenario_folder
from tests.support.cli_runner import run_command
from tests.support.conversation_logs import group_chat
from tests.support.new_store import new_store

NAME = "summarizer_never_sees_the_draft"


def _recorded(variant: str, name: str = NAME) -> str:
    return str(scenario_folder(name).recorded_trace(variant))


def test_the_json_has_the_origin_first_and_what_the_trace_lacks() -> None:
    result = run_command("", "diagnose", _recorded("broken"), "--json")
    diagnosis: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == 1
    assert set(diagnosis) == {"findings", "lacks"}
    first = diagnosis["findings"][0]
    assert (first["agent"], first["span"]) == ("summarizer", "generator → summarizer")
    assert {"mode", "span_id", "path", "evidence", "fix", "confidence"} <= set(first)
    assert diagnosis["lacks"] == ["no times: what ran at once, and how long it waited, is unknown"]


def test_the_report_names_agent_span_path_evidence_and_fix() -> None:
    result = run_command("", "diagnose", _recorded("broken"))
    assert "begun by summarizer in generator → summarizer" in result.stdout
    assert "⟶ review" in result.stdout
    assert "nothing of this is in the prompt of summarizer" in result.stdout
    assert "Pass the sender's output to the receiver" in result.stdout


def test_a_healthy_trace_exits_with_0() -> None:
    result = run_command("", "diagnose", _recorded("fixed"))
    assert result.exit_code == 0
    assert "nothing found" in result.stdout


def test_a_run_that_failed_openly_is_reported_with_its_own_error() -> None:
    result = run_command("", "diagnose", _recorded("fixed", "stream_is_cut"))
    assert result.exit_code == 0
    assert "nothing found; the run failed with: RuntimeError: TruncatedAnswerError" in result.stdout


@pytest.mark.parametrize(
    ("trace", "message"),
    [
        ("missing.json", "missing.json: no such file"),
        (str(Path(__file__)), "it is not JSON"),
        ("tr-00", "has no trace 'tr-00'"),
    ],
)
def test_a_trace_that_cannot_be_read_exits_with_2(trace: str, message: str, store: str) -> None:
    mlflow.MlflowClient(store).search_experiments()  # creates the store
    result = run_command(store, "diagnose", trace)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_empty_store_has_no_last_trace(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with enable_tracing(store, frameworks=()):
        pass
    result = run_command(store, "diagnose", "last")
    assert result.exit_code == 2
    assert "has no traces yet; to record your program in it" in result.stderr


def test_the_last_trace_of_the_store_and_a_trace_by_its_id_are_diagnosed(store: str) -> None:
    broken, fixed = run_scenario(NAME, store).variants
    assert broken.trace
    assert fixed.trace
    assert run_command(store, "diagnose", "last").exit_code == 0
    by_id = run_command(store, "diagnose", broken.trace.ids[0], "--json")
    finding = json.loads(by_id.stdout)["findings"][0]
    handoff = next(span for span in broken.trace if span.name == finding["span"])
    assert finding["span_id"] == handoff.id
    assert json.loads(by_id.stdout)["lacks"] == []


def test_suspects_are_named_on_request_and_do_not_change_the_exit_code(tmp_path: Path) -> None:
    log = group_chat()
    log["history"][2]["content"] = "exitcode: 0 (execution succeeded)\nCode output: 200"
    file = tmp_path / "log.json"
    file.write_text(json.dumps(log), "utf-8")
    result = run_command("", "diagnose", str(file), "--suspects", "--json")
    first = json.loads(result.stdout)["suspects"][0]
    assert (result.exit_code, first["agent"], first["step"]) == (0, "Analyst", 1)
    report = run_command("", "diagnose", str(file), "--suspects").stdout
    assert "nothing found" in report
    assert "1. Analyst, step 1 of the log" in report


def test_a_finding_in_a_log_names_the_step(tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    file.write_text(json.dumps(group_chat()), "utf-8")
    assert (
        json.loads(run_command("", "diagnose", str(file), "--json").stdout)["findings"][0]["step"]
        == 2
    )
    assert (
        "begun by Analyst in Terminal, step 2 of the log"
        in run_command("", "diagnose", str(file)).stdout
    )


def test_suspects_are_for_one_trace() -> None:
    result = run_command("", "diagnose", "--experiment", "x", "--suspects")
    assert result.exit_code == 2
    assert "--suspects is for one TRACE" in result.stderr
