"""A live run of the finance crew: recorded on the way, and replayed from the recording."""

from pathlib import Path

import pytest

from scenarios.player.scenario_loader import load_scenario, scenario_folder
from scenarios.replay.replay_server import replay_tape
from scenarios.scenario import resolve_inputs
from scenarios.tape.placeholders import fill_inputs
from scenarios.tape.tape import Tape
from tests.support.cli_runner import run_command
from tests.support.tapes import make_tape, reply_line

pytestmark = pytest.mark.long

KEY = "sk-live-5ecret-0123456789abcdef"
PAGE = load_scenario("briefing_goes_well")
INPUTS = resolve_inputs(PAGE.inputs, None)
TASK = str(fill_inputs(PAGE.task, INPUTS))


def run_live(tape: Tape, store: str, *options: str) -> tuple[str, bool]:
    """Run live against a tape; return the output, and whether every completion was streamed."""
    with replay_tape(tape) as replay:
        model = {"MODEL_NAME": "m", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": replay.base_url}
        service = ("--service", f"world_bank={replay.url}")
        result = run_command(store, "live", "crew_finance", TASK, *service, *options, **model)
    assert result.exit_code == 0, result.stderr
    completions = [one for one in replay.ledger.exchanges if "/chat/" in one.path]
    return result.stdout, all(completion.streamed for completion in completions)


def test_a_recorded_live_run_can_be_replayed(tmp_path: Path, store: str) -> None:
    record = tmp_path / "tape.jsonl"
    scripted = Tape.load(scenario_folder("briefing_goes_well").tape).with_inputs(INPUTS)
    output, streamed = run_live(scripted, store, "--record", str(record))
    assert "briefing  [CHAIN OK]  → verified" in output
    assert streamed
    tape = Tape.load(record)
    assert {line.lane for line in tape.lines} == {line.lane for line in scripted.lines}
    assert KEY not in record.read_text("utf-8")
    output, _ = run_live(tape, store)
    assert "briefing  [CHAIN OK]  → verified" in output


def test_a_live_run_reports_why_the_crew_failed(store: str) -> None:
    """CrewAI raises a bare Exception after a guardrail has rejected a result too often."""
    answers = [reply_line(role, "Nothing.") for role in ("lead", "specialist", "analyst")]
    rejected = [reply_line("synthesist", "no JSON")] * 4
    with replay_tape(make_tape(*answers, *rejected)) as replay:
        model = {"MODEL_NAME": "m", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": replay.base_url}
        result = run_command(store, "live", "crew_finance", TASK, **model)
    assert (result.exit_code, "Traceback" in result.stderr) == (1, False), result.stderr
    assert "it failed: Task failed guardrail validation" in result.stdout


def test_an_unknown_service_is_an_error_that_names_the_known_ones(store: str) -> None:
    model = {"MODEL_NAME": "m", "OPENAI_API_KEY": KEY}
    service = ("--service", "wold_bank=http://127.0.0.1")
    result = run_command(store, "live", "crew_finance", TASK, *service, **model)
    assert result.exit_code == 2
    assert "no service 'wold_bank'; it has: world_bank" in result.stderr
