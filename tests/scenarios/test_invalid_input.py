"""What strangers, odd endpoints and slips of the pen do, and what must not come of it."""

import dataclasses
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from instrumentation.trace.outline import render_outline
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace, TraceNotFoundError
from scenarios.expectations import (
    hands_off,
    never_runs,
    takes_turns,
)
from scenarios.player import accept as accepting
from scenarios.player import run as player
from scenarios.player.check import TraceSource, check_scenario
from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import ScenarioFolder, load_scenario, scenario_folder
from scenarios.player.verdict import evaluate
from scenarios.recording.recording_proxy import record_tape
from scenarios.replay.faults import Fault, cuts_stream, rate_limited, slow, unavailable
from scenarios.replay.ledger import Exchange
from scenarios.replay.openai_api.stream_assembly import assemble_stream
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.scenario import Origin
from scenarios.tape.request import compute_digest as digested
from scenarios.tape.tape import Tape
from scenarios.trace_store.tracking_uri import StoreUnavailableError, require_reachable
from tests.support.cli_runner import run_in_subprocess
from tests.support.tapes import make_tape, reply_line

NAME = "review_goes_well"


def ask(replay: ReplayServer, lane: str = "a", text: str = "go on", **more: Any) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]} | more
    headers = {"x-agent-name": lane}
    return httpx.post(f"{replay.base_url}/chat/completions", json=body, headers=headers)


def test_a_listener_that_breaks_changes_no_run() -> None:
    def breaks(_: Exchange) -> None:
        raise SystemExit(1)

    with replay_tape(
        make_tape(reply_line("a", "one"), reply_line("a", "two")), on_exchange=breaks
    ) as replay:
        assert [ask(replay).status_code for _ in range(2)] == [200, 200]


def test_a_recorded_line_that_cannot_be_played_is_refused_and_left(tmp_path: Path) -> None:
    asked = {"messages": [{"role": "user", "content": "go on"}]}
    said = {"role": "assistant", "content": [{"type": "text", "text": "odd"}]}
    body = {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}], "usage": {}}
    with replay_tape(make_tape(reply_line("a", "x"))) as other:
        ask(other)
        canonical = other.ledger.exchanges[0].request
    line = {
        "lane": "a",
        "origin": "recorded",
        "digest": digested(canonical),
        "request": asked,
        "response": {"status": 200, "body": body},
        "recorded": {"model": "m", "at": "2026-11-21"},
    }
    path = tmp_path / "tape.jsonl"
    path.write_text(json.dumps(line))
    with replay_tape(Tape.load(path)) as replay:
        answered = ask(replay, stream=True)
        assert answered.status_code == 422
        assert "tape.jsonl:1" in answered.json()["error"]["message"]
        assert len(replay.refusals) == 1
        assert len(replay.unplayed_lines) == 1


def test_separators_that_json_may_hold_do_not_end_a_line_of_an_event() -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "a\u2028b\u0085c"}}]}
    frame = f"data: {json.dumps(chunk, ensure_ascii=False)}"
    assert assemble_stream([frame])["choices"][0]["message"]["content"] == "a\u2028b\u0085c"


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": "oops"},
        {"choices": [{"delta": "oops"}]},
        {"choices": [{"delta": {"content": ["oops"]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": None, "function": {"arguments": {}}}]}}]},
    ],
)
def test_odd_frames_are_passed_over(chunk: Any) -> None:
    good = {"choices": [{"index": 0, "delta": {"content": "good"}}]}
    body = assemble_stream([f"data: {json.dumps(part)}" for part in (chunk, good)])
    assert body["choices"][0]["message"]["content"] == "good"


def test_rewinding_with_a_request_in_flight_begins_whole() -> None:
    with replay_tape(
        make_tape(reply_line("a", "one"), reply_line("a", "two")), [slow("a", delay_s=0.4)]
    ) as replay:
        asking = threading.Thread(target=ask, args=(replay,))
        asking.start()
        while not replay.ledger.exchanges:
            pass
        httpx.post(f"{replay.url}/rewind")
        asking.join()
        assert len(replay.unplayed_lines) == 2


@pytest.mark.parametrize("body", [b"no json", b"[]", b'"text"', b"\xff\xfe"])
def test_a_body_that_is_no_object_is_the_clients_mistake(body: bytes) -> None:
    with replay_tape(make_tape(reply_line("a", "one"))) as replay:
        answered = httpx.post(f"{replay.base_url}/chat/completions", content=body)
        assert answered.status_code == 400
        assert len(replay.unplayed_lines) == 1


def test_recording_keeps_the_paths_of_the_endpoint(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded.jsonl"
    with (
        replay_tape(make_tape(reply_line("a", "one"))) as upstream,
        record_tape(f"{upstream.url}/v1", recorded) as plain,
        record_tape(f"{upstream.url}/v1beta/openai/", tmp_path / "none.jsonl") as other,
    ):
        assert plain.base_url.endswith("/v1")
        assert other.base_url.endswith("/v1beta/openai")
        said = httpx.post(
            f"{plain.base_url}/chat/completions",
            json={"model": "m", "messages": []},
            headers={"x-agent-name": "a"},
        )
        assert said.status_code == 200
        missed = httpx.post(f"{other.base_url}/chat/completions", json={"messages": []})
        assert "/v1beta/openai/chat/completions" in missed.text
    (line,) = Tape.load(recorded).lines
    assert (line.lane, line.path) == ("a", "/v1/chat/completions")


def test_a_tape_that_is_there_or_cannot_be_is_said_before_a_model_is_asked(tmp_path: Path) -> None:
    there = tmp_path / "tape.jsonl"
    there.write_text("{}")
    for path, why in ((there, "a tape already"), (tmp_path / "no/tape.jsonl", "cannot be written")):
        with replay_tape(make_tape(reply_line("generator", "x"))) as replay:
            model = {"MODEL_NAME": "m", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": replay.base_url}
            command = ("live", "graphflow_review", "task", "--record", str(path))
            done = run_in_subprocess(*command, store=f"sqlite:///{tmp_path / 'm.db'}", **model)
            assert done.returncode == 2
            assert why in done.stderr
            assert not replay.ledger.exchanges


def test_an_origin_that_names_no_span_fails_the_scenario(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = load_scenario("reviewer_says_cannot_approve")
    misspelt = dataclasses.replace(page, origin=Origin("reviewr", "reviewer → summarzer"))
    monkeypatch.setattr(player, "load_scenario", lambda _: misspelt)
    verdict = run_scenario(page.name, store)
    assert not verdict.passed
    assert verdict.problems == (
        "the origin names no span of the broken trace: 'reviewer → summarzer' of reviewr",
    )


def test_a_torn_trace_fails_every_expectation() -> None:
    turn = Span("a", "AGENT")
    torn = Trace((turn, turn))
    (judgement,) = evaluate(torn, [takes_turns("a", 2)])
    assert judgement.failure is not None
    assert "2 roots" in judgement.failure


def test_a_trace_without_agents_does_not_show_that_one_was_not_reached() -> None:
    assert never_runs("a").explain_failure(Trace((Span("root", "CHAIN"),)))


def test_a_foreign_handoff_without_a_score_is_no_crash() -> None:
    handed = Span("a → b", "HANDOFF", attributes={"flight_recorder.handoff.from_agent": "a"})
    trace = Trace((Span("root", "CHAIN", children=(handed,)),))
    (judgement,) = evaluate(trace, [hands_off("a", "b")])
    assert not judgement.passed


def test_a_trace_that_is_nested_without_end_is_no_trace(tmp_path: Path) -> None:
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 200_000)
    with pytest.raises(TraceNotFoundError, match=r"deep\.json"):
        check_scenario(NAME, TraceSource(str(deep), None, ""))


@pytest.mark.parametrize("uri", ["sqlite:", "sqlite:///", "sqlite:///:memory:", "ftp://x", "x"])
def test_a_store_that_keeps_nothing_is_refused(uri: str) -> None:
    with pytest.raises(StoreUnavailableError, match="MLFLOW_TRACKING_URI"):
        require_reachable(uri)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "notes.db"
    precious.write_text("not a database")
    with pytest.raises(StoreUnavailableError, match="is no SQLite database"):
        require_reachable(f"sqlite:///{precious}")
    assert precious.read_text() == "not a database"


def test_a_password_in_the_uri_of_a_store_is_not_told() -> None:
    with pytest.raises(StoreUnavailableError) as refused:
        require_reachable("postgresql://me:hidden-word@127.0.0.1:1/db")
    assert "hidden-word" not in str(refused.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: unavailable("a", status=200),
        lambda: cuts_stream("a", after_frame=-1),
        lambda: rate_limited("a", retry_after_s=-1.0),
        lambda: slow("a", call=0),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(make: Callable[[], Fault]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        make()


def test_what_a_terminal_would_obey_is_not_in_an_outline() -> None:
    shown = render_outline(Trace((Span("\x1b[2J root\nfake", "CHAIN", "ERROR", "\x07 boom"),)))
    assert shown.count("\n") == 1
    assert not {"\x1b", "\x07"} & set(shown)


def test_a_golden_that_was_typed_into_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = scenario_folder(NAME)
    (tmp_path / "recorded").mkdir()
    (tmp_path / "recorded/twin.json").write_bytes(real.recorded_trace("twin").read_bytes())
    golden = real.golden("twin").read_text("utf-8")
    monkeypatch.setattr(accepting, "scenario_names", lambda: (NAME,))
    monkeypatch.setattr(accepting, "scenario_folder", lambda _: ScenarioFolder(tmp_path))
    monkeypatch.setattr("scenarios.reports.generated_pages.generate_pages", lambda: iter(()))
    (tmp_path / "twin.golden.txt").write_text(golden, "utf-8")
    assert accepting.find_stale_files() == ()
    (tmp_path / "twin.golden.txt").write_text(golden.replace("83 out", "84 out"), "utf-8")
    assert accepting.find_stale_files() == (tmp_path / "twin.golden.txt",)


def test_a_terminal_without_arrows_is_no_crash() -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert run_in_subprocess("check", NAME, **plain).returncode == 0
