"""A crew live: on an endpoint and services that a person names, and recorded to be played again."""

from pathlib import Path

import pytest

from scenarios.inputs import resolve_inputs
from scenarios.player.scenario_loader import load_scenario, scenario_folder
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.placeholders import fill_inputs
from scenarios.tape.tape import Tape
from tests.scenarios.cli.test_commands import run_in_subprocess
from tests.support.tapes import make_tape, reply_line

pytestmark = pytest.mark.long

KEY = "sk-live-5ecret-0123456789abcdef"
PAGE = load_scenario("briefing_goes_well")
INPUTS = resolve_inputs(PAGE.inputs, None)
TASK = str(fill_inputs(PAGE.task, INPUTS))


def live(tape: Tape, store: str, *options: str) -> tuple[str, bool]:
    """What a live run prints whose model and World Bank are a tape that is served."""
    with replay_tape(tape) as there:
        model = {"MODEL_NAME": "m", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": there.base_url}
        named = ("--service", f"world_bank={there.url}")
        done = run_in_subprocess(
            "live", "crew_finance", TASK, *named, *options, store=store, **model
        )
    assert done.returncode == 0, done.stderr
    return done.stdout, all(e.streamed for e in there.ledger.exchanges if "/chat/" in e.path)


def test_what_a_crew_was_told_live_answers_it_again(tmp_path: Path, store: str) -> None:
    record = tmp_path / "tape.jsonl"
    scripted = Tape.load(scenario_folder("briefing_goes_well").tape).with_inputs(INPUTS)
    told, streamed = live(scripted, store, "--record", str(record))
    assert "briefing  [CHAIN OK]  → verified" in told
    assert streamed
    tape = Tape.load(record)
    assert {line.lane for line in tape.lines} == {line.lane for line in scripted.lines}
    assert KEY not in record.read_text("utf-8")
    again, _ = live(tape, store)
    assert "briefing  [CHAIN OK]  → verified" in again


def test_a_crew_that_gives_up_live_says_why(store: str) -> None:
    """CrewAI raises a bare Exception where a guardrail has sent a result back too often."""
    answers = [reply_line(role, "Nothing.") for role in ("lead", "specialist", "analyst")]
    with replay_tape(make_tape(*answers, *[reply_line("synthesist", "no JSON")] * 4)) as there:
        model = {"MODEL_NAME": "m", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": there.base_url}
        done = run_in_subprocess("live", "crew_finance", TASK, store=store, **model)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "it failed: Task failed guardrail validation" in done.stdout


def test_a_service_that_no_workflow_has_is_named(store: str) -> None:
    model = {"MODEL_NAME": "m", "OPENAI_API_KEY": KEY}
    done = run_in_subprocess(
        "live",
        "crew_finance",
        TASK,
        "--service",
        "wold_bank=http://127.0.0.1",
        store=store,
        **model,
    )
    assert done.returncode == 2
    assert "no service 'wold_bank'; it has: world_bank" in done.stderr
