"""Strangers' programs are traced, recorded, replayed, changed, forked, compared and tested."""

import json
import re
from dataclasses import replace

import pytest

from scenarios.traces.store.trace_argument import load_trace_argument
from tests.flight_recorder.journey.journey import KEY, Journey, last_line
from tests.flight_recorder.journey.strangers import STRANGERS
from tests.support.new_store import new_store

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]  # CrewAI takes seconds to start

TEST_OF_A_TAPE = """
import subprocess, pytest

@pytest.mark.tape("run.jsonl")
def test_run(tape):
    subprocess.run({command}, check=True, timeout=100)
"""
EXPECTATIONS = """
from flight_recorder.testing import hands_off, leaves_traces

EXPECTATIONS = [{own}]
"""
PRINTED_ID = re.compile(r"flight-recorder: (?:run|trace) (\S+?)[:,] ")


@pytest.fixture(scope="module", params=STRANGERS)
def journey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """A program that was recorded and traced in one run, and imported from its trace."""
    stranger = STRANGERS[request.param]
    if not stranger.is_installed:
        pytest.skip("Node.js is not on this machine")
    folder = tmp_path_factory.mktemp("journey")
    journey = Journey(stranger, folder, new_store(folder))
    journey.write_program()
    recorded = journey.record()
    assert (recorded.returncode, last_line(recorded.stdout)) == (0, stranger.output), recorded
    assert "not captured" not in recorded.stderr
    if stranger.is_python:
        command = ("import-trace", "last", "--name", "imported", "--into", str(folder))
        imported = journey.run_command(*command, "--", *stranger.command)
        assert imported.exit_code == 0, imported.stdout + imported.stderr
        printed = PRINTED_ID.search(recorded.stderr)
        return replace(journey, run_id=printed[1] if printed else "")
    test = TEST_OF_A_TAPE.format(command=list(stranger.command))
    (folder / "test_imported.py").write_text(test)
    return journey


@pytest.fixture
def python_journey(journey: Journey) -> Journey:
    """The same, of a program in Python."""
    if not journey.stranger.is_python:
        pytest.skip("trace runs programs in Python only")
    return journey


def test_the_trace_is_complete(python_journey: Journey) -> None:
    trace = load_trace_argument(python_journey.run_id, python_journey.store)[0]
    assert not [span.name for span in trace if span.failed]
    assert len(trace.spans_of_type("LLM")) == len(python_journey.tape.lines)
    ends = ("flight_recorder.handoff.from_agent", "flight_recorder.handoff.to_agent")
    handoffs = [
        tuple(span.attributes[end] for end in ends) for span in trace.spans_of_type("HANDOFF")
    ]
    assert handoffs == list(python_journey.stranger.handoffs)


def test_the_tape_has_each_exchange_in_a_lane_that_a_person_can_read(journey: Journey) -> None:
    tape = journey.tape
    assert len(tape.lines) == len(journey.stranger.replies)
    assert set(tape.lanes) == set(journey.stranger.lanes)
    assert KEY not in (journey.folder / "run.jsonl").read_text()


def test_the_unchanged_program_replays_strictly(journey: Journey) -> None:
    journey.write_program()
    ended = journey.replay()
    assert (ended.returncode, last_line(ended.stdout)) == (0, journey.stranger.output), ended
    assert "0 refused, 0 drifted, 0 lines unplayed" in ended.stderr


def test_strict_replay_refuses_a_changed_sentence_and_shows_it(journey: Journey) -> None:
    journey.write_program(*journey.stranger.sentence)
    ended = journey.replay("--json")
    report = json.loads(ended.stdout)
    assert ended.returncode == report["exit_code"] == 1
    refusal = report["refusals"][0]["message"]
    assert "message 1 (system) was" in refusal
    assert all(sentence in refusal for sentence in journey.stranger.sentence)
    assert "replay it with --tolerant" in refusal


def test_tolerant_replay_plays_and_the_runs_part_at_the_changed_sentence(
    python_journey: Journey,
) -> None:
    stranger = python_journey.stranger
    python_journey.write_program(*stranger.sentence)
    ended = python_journey.replay("--tolerant", is_traced=True)
    assert (ended.returncode, last_line(ended.stdout)) == (0, stranger.output), ended
    assert f"drift: {stranger.changed_lane}, call 1 drifted" in ended.stderr
    assert f"({stranger.severity}): " in ended.stderr
    tape = str(python_journey.folder / "run.jsonl")
    report = python_journey.compare(tape, "last")
    assert (report["first"]["agent"], report["first"]["kind"]) == (stranger.changed_lane, "request")
    assert report["names_in_trace"] == stranger.names_in_trace
    assert set(report["a"]["calls"]) == set(report["b"]["calls"]) == set(stranger.lanes)
    (change,) = report["first"]["messages"]
    assert stranger.sentence[0] in change["a"]
    assert stranger.sentence[1] in change["b"]


def test_tolerant_replay_reports_the_drift_with_its_severity(journey: Journey) -> None:
    if journey.stranger.is_python:
        pytest.skip("a traced run tests the same")
    journey.write_program(*journey.stranger.sentence)
    ended = journey.replay("--tolerant", "--json")
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["refusals"], report["unplayed"]) == (0, [], [])
    assert {(one["lane"], one["severity"]) for one in report["drift"]} == {
        (journey.stranger.changed_lane, journey.stranger.severity)
    }


def test_the_tape_and_the_trace_of_one_run_are_the_same(python_journey: Journey) -> None:
    report = python_journey.compare(str(python_journey.folder / "run.jsonl"), python_journey.run_id)
    assert (report["same"], report["names_in_trace"]) == (
        True,
        python_journey.stranger.names_in_trace,
    )


def test_a_fork_gives_the_program_the_edited_reply(journey: Journey) -> None:
    journey.write_program()
    ended = journey.fork()
    assert (ended.returncode, last_line(ended.stdout)) == (0, journey.stranger.forked_output), ended
    lane, _, call = journey.stranger.fork.partition(":")
    assert f"forked at {lane}, call {call}, with an edited reply, and went on live" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_two_recordings_part_where_the_program_was_changed(journey: Journey) -> None:
    if journey.stranger.is_python:
        pytest.skip("a tape and a trace are compared")
    journey.write_program(*journey.stranger.sentence)
    assert journey.record("changed.jsonl").returncode == 0
    tapes = [str(journey.folder / name) for name in ("run.jsonl", "changed.jsonl")]
    report = journey.compare(*tapes)
    assert (report["first"]["agent"], report["first"]["kind"]) == (
        journey.stranger.changed_lane,
        "request",
    )


def test_the_imported_test_passes_at_once(journey: Journey) -> None:
    journey.write_program()
    ended = journey.test()
    assert (ended.returncode, "1 passed" in ended.stdout) == (0, True), ended.stdout


def test_the_imported_test_fails_with_a_sentence_if_the_program_is_broken(journey: Journey) -> None:
    journey.write_program(*journey.stranger.bug)
    ended = journey.test()
    assert (ended.returncode, "1 failed" in ended.stdout) == (1, True), ended.stdout
    assert re.search(r"refused: lane \"[^\"]+\", call \d+: no line of ", ended.stdout)


@pytest.mark.parametrize(("more_traces", "exit_code"), [(0, 0), (1, 1)])
def test_a_stored_run_is_checked(python_journey: Journey, more_traces: int, exit_code: int) -> None:
    trace = load_trace_argument(python_journey.run_id, python_journey.store)[0]
    own = [f"hands_off{pair}" for pair in python_journey.stranger.handoffs]
    own.append(f"leaves_traces({len(trace.roots) + more_traces})")
    file = python_journey.folder / f"expect_{exit_code}.py"
    file.write_text(EXPECTATIONS.format(own=", ".join(own)))
    ended = python_journey.run_command("check", python_journey.run_id, "--expect", str(file))
    assert ended.exit_code == exit_code, ended.stdout + ended.stderr
