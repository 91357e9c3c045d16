"""The replay server with failing callbacks, odd recordings, invalid bodies and invalid faults."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from scenarios.replay.faults import Fault, cuts_stream, rate_limited, slow, unavailable
from scenarios.replay.ledger import Exchange
from scenarios.replay.openai_api.stream_assembly import assemble_stream
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.tape.requests.request import compute_digest
from scenarios.tape.tape import Tape
from tests.support.tapes import make_tape, reply_line


def post_chat(replay: ReplayServer, **fields: Any) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": "go on"}]} | fields
    headers = {"x-agent-name": "a"}
    return httpx.post(f"{replay.base_url}/chat/completions", json=body, headers=headers)


def test_a_failing_callback_does_not_change_the_run() -> None:
    def fail(_: Exchange) -> None:
        raise SystemExit(1)

    with replay_tape(
        make_tape(reply_line("a", "one"), reply_line("a", "two")), on_exchange=fail
    ) as replay:
        assert [post_chat(replay).status_code for _ in range(2)] == [200, 200]


def test_a_recorded_line_that_cannot_be_served_is_refused_and_stays_unplayed(
    tmp_path: Path,
) -> None:
    request = {"messages": [{"role": "user", "content": "go on"}]}
    message = {"role": "assistant", "content": [{"type": "text", "text": "odd"}]}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": {}}
    with replay_tape(make_tape(reply_line("a", "x"))) as other:
        post_chat(other)
        canonical = other.ledger.exchanges[0].request
    line = {
        "lane": "a",
        "origin": "recorded",
        "digest": compute_digest(canonical),
        "request": request,
        "response": {"status": 200, "body": body},
        "recorded": {"model": "m", "at": "2026-11-21"},
    }
    path = tmp_path / "tape.jsonl"
    path.write_text(json.dumps(line))
    with replay_tape(Tape.load(path)) as replay:
        response = post_chat(replay, stream=True)
        assert response.status_code == 422
        assert "tape.jsonl:1" in response.json()["error"]["message"]
        assert len(replay.refusals) == 1
        assert len(replay.unplayed_lines) == 1


def test_unicode_line_separators_do_not_end_a_line_of_an_event() -> None:
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
def test_frames_of_an_unknown_shape_are_skipped(chunk: Any) -> None:
    good = {"choices": [{"index": 0, "delta": {"content": "good"}}]}
    body = assemble_stream([f"data: {json.dumps(part)}" for part in (chunk, good)])
    assert body["choices"][0]["message"]["content"] == "good"


def test_a_rewind_during_a_request_restores_all_lines() -> None:
    with replay_tape(
        make_tape(reply_line("a", "one"), reply_line("a", "two")), [slow("a", delay_s=0.4)]
    ) as replay:
        thread = threading.Thread(target=post_chat, args=(replay,))
        thread.start()
        while not replay.ledger.exchanges:
            pass
        httpx.post(f"{replay.url}/rewind")
        thread.join()
        assert len(replay.unplayed_lines) == 2


@pytest.mark.parametrize("body", [b"no json", b"[]", b'"text"', b"\xff\xfe"])
def test_a_body_that_is_not_an_object_is_a_client_error(body: bytes) -> None:
    with replay_tape(make_tape(reply_line("a", "one"))) as replay:
        response = httpx.post(f"{replay.base_url}/chat/completions", content=body)
        assert response.status_code == 400
        assert len(replay.unplayed_lines) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: unavailable("a", status=200),
        lambda: unavailable("a", status=600),
        lambda: cuts_stream("a", after_frame=-1),
        lambda: rate_limited("a", retry_after_s=-1.0),
        lambda: slow("a", call=0),
    ],
)
def test_a_fault_with_invalid_values_is_rejected(make: Callable[[], Fault]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        make()
