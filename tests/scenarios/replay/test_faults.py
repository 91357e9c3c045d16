"""Each fault as a real client sees it, and its effect on the tape and the ledger."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from json import JSONDecodeError

import httpx
import openai
import pytest

from scenarios.replay.faults import (
    cuts_stream,
    drops_connection,
    hangs,
    malformed_reply,
    rate_limited,
    slow,
    unavailable,
    waits_for_lanes,
)
from scenarios.replay.replay_server import replay_tape
from tests.support.tapes import MODEL, ask, make_client, make_tape, reply_line, user_message

TAPE = make_tape(reply_line("a", "one two three four"))


def test_a_rate_limit_lasts_until_its_time_is_over() -> None:
    with replay_tape(TAPE, [rate_limited("a", retry_after_s=1.0)]) as replay:
        client = make_client(replay, "a")
        for _ in range(2):
            with pytest.raises(openai.RateLimitError) as refusal:
                ask(client)
        assert refusal.value.response.headers["retry-after"] == "1"
        left_ms = int(refusal.value.response.headers["retry-after-ms"])
        assert 0 < left_ms <= 1000
        time.sleep(left_ms / 1000 + 0.02)
        assert ask(client) == "one two three four"
    assert [e.fault for e in replay.ledger.exchanges] == ["rate_limited", "rate_limited", None]


def test_a_client_that_waits_as_requested_gets_its_reply() -> None:
    with replay_tape(TAPE, [rate_limited("a", retry_after_s=0.1)]) as replay:
        assert ask(make_client(replay, "a", max_retries=1)) == "one two three four"
    assert [exchange.status for exchange in replay.ledger.exchanges] == [429, 200]


def test_an_outage_has_its_status_and_ends_after_the_given_number_of_calls() -> None:
    with replay_tape(TAPE, [unavailable("a", status=502, times=2)]) as replay:
        for _ in range(2):
            with pytest.raises(openai.InternalServerError) as refusal:
                ask(make_client(replay, "a"))
            assert refusal.value.status_code == 502
        assert ask(make_client(replay, "a")) == "one two three four"


def test_a_hang_is_a_timeout_without_a_status() -> None:
    with replay_tape(TAPE, [hangs("a")]) as replay:
        with pytest.raises(openai.APITimeoutError):
            ask(make_client(replay, "a", timeout=0.1))
        assert ask(make_client(replay, "a")) == "one two three four"
    hung = replay.ledger.exchanges[0]
    assert (hung.status, hung.line, hung.delivered, hung.fault) == (None, None, False, "hangs")


def test_a_hang_does_not_delay_the_shutdown() -> None:
    with httpx.Client() as http, replay_tape(TAPE, [hangs("a")]) as replay:
        with pytest.raises(httpx.ReadTimeout):
            http.post(
                f"{replay.base_url}/chat/completions",
                json={"messages": user_message("x")},
                headers={"x-agent-name": "a"},
                timeout=0.1,
            )
        started_s = time.monotonic()
    assert time.monotonic() - started_s < 5
    assert replay.ledger.exchanges[0].ended_ms is not None


def test_a_dropped_connection_is_an_error_without_a_status() -> None:
    with replay_tape(TAPE, [drops_connection("a")]) as replay:
        with pytest.raises(openai.APIConnectionError) as refusal:
            ask(make_client(replay, "a"))
        assert isinstance(refusal.value.__cause__, httpx.RemoteProtocolError | httpx.ReadError)
        assert ask(make_client(replay, "a")) == "one two three four"
    assert replay.ledger.exchanges[0].status is None


def stream_content(client: openai.OpenAI) -> tuple[str, str | None]:
    """Return the content that arrived, and its finish reason."""
    stream = client.chat.completions.create(model=MODEL, messages=user_message("x"), stream=True)
    choices = [chunk.choices[0] for chunk in stream]
    return "".join(choice.delta.content or "" for choice in choices), choices[-1].finish_reason


def test_a_clean_cut_is_a_stream_that_ends_early() -> None:
    with replay_tape(TAPE, [cuts_stream("a", after_frame=3, ends_cleanly=True)]) as replay:
        assert stream_content(make_client(replay, "a")) == ("one two", None)
        assert stream_content(make_client(replay, "a")) == ("one two three four", "stop")
    first, second = replay.ledger.exchanges
    assert (first.delivered, first.line, first.output_tokens) == (False, 1, 0)
    assert (second.delivered, second.line, second.output_tokens) == (True, 1, 4)


def test_a_broken_cut_is_an_error_after_the_frames_that_arrived() -> None:
    arrived: list[str | None] = []
    with replay_tape(TAPE, [cuts_stream("a", after_frame=2)]) as replay:
        stream = make_client(replay, "a").chat.completions.create(
            model=MODEL, messages=user_message("x"), stream=True
        )
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            arrived.extend(chunk.choices[0].delta.content for chunk in stream)
    assert arrived == ["", "one"]


def test_a_cut_line_counts_as_played_although_a_retry_can_get_it() -> None:
    with replay_tape(TAPE, [cuts_stream("a", after_frame=1, ends_cleanly=True)]) as replay:
        stream_content(make_client(replay, "a"))
    assert replay.unplayed_lines == ()


def test_a_cut_comes_before_the_finish_reason() -> None:
    with replay_tape(TAPE, [cuts_stream("a", after_frame=99, ends_cleanly=True)]) as replay:
        assert stream_content(make_client(replay, "a")) == ("one two three four", None)


def test_a_cut_does_not_apply_to_an_unstreamed_reply() -> None:
    with replay_tape(TAPE, [cuts_stream("a")]) as replay:
        assert ask(make_client(replay, "a")) == "one two three four"
    assert [str(fault) for fault in replay.unfired_faults] == ["cut at call 1 of a"]


def test_a_malformed_reply_has_status_200_and_is_not_json() -> None:
    with replay_tape(TAPE, [malformed_reply("a")]) as replay:
        raw = make_client(replay, "a").chat.completions.with_raw_response.create(
            model=MODEL, messages=user_message("x")
        )
        assert raw.status_code == 200
        with pytest.raises(JSONDecodeError):
            raw.parse()
        assert ask(make_client(replay, "a")) == "one two three four"


def test_a_malformed_stream_has_a_frame_that_is_not_json() -> None:
    with replay_tape(TAPE, [malformed_reply("a")]) as replay, pytest.raises(JSONDecodeError):
        stream_content(make_client(replay, "a"))


def test_a_slow_reply_is_late_and_correct() -> None:
    with replay_tape(TAPE, [slow("a", delay_s=0.1)]) as replay:
        assert ask(make_client(replay, "a")) == "one two three four"
    exchange = replay.ledger.exchanges[0]
    assert exchange.ended_ms is not None
    # The clock is not precise to the millisecond.
    assert exchange.ended_ms - exchange.started_ms >= 95
    assert (exchange.fault, exchange.delivered) == ("slow", True)


def test_a_client_that_does_not_wait_for_a_slow_reply_does_not_use_up_the_line() -> None:
    with replay_tape(TAPE, [slow("a", delay_s=5)]) as replay:
        with pytest.raises(openai.APITimeoutError):
            ask(make_client(replay, "a", timeout=0.1))
        assert ask(make_client(replay, "a")) == "one two three four"


def test_a_reply_waits_until_another_lane_has_made_its_calls() -> None:
    tape = make_tape(reply_line("a", "x"), reply_line("b", "y"), reply_line("b", "z"))
    with (
        replay_tape(tape, [waits_for_lanes("a", until_calls={"b": 2})]) as replay,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(ask, make_client(replay, "a"))
        assert ask(make_client(replay, "b")) == "y"
        assert not wait([waiting], timeout=0.2).done
        assert ask(make_client(replay, "b")) == "z"
        assert waiting.result() == "x"


def test_a_client_that_does_not_wait_for_other_lanes_does_not_use_up_the_line() -> None:
    with replay_tape(TAPE, [waits_for_lanes("a", until_calls={"b": 1})]) as replay:
        with pytest.raises(openai.APITimeoutError):
            ask(make_client(replay, "a", timeout=0.1))
        assert ask(make_client(replay, "a")) == "one two three four"


def test_a_fault_that_waits_for_its_own_lane_is_rejected() -> None:
    with pytest.raises(ValueError, match="other lanes"):
        waits_for_lanes("a", until_calls={"a": 2})


def test_a_fault_applies_only_to_its_call_in_its_lane() -> None:
    tape = make_tape(reply_line("a", "x"), reply_line("a", "y"), reply_line("b", "z"))
    with replay_tape(tape, [unavailable("a", call=2)]) as replay:
        assert [ask(make_client(replay, "a")), ask(make_client(replay, "b"))] == ["x", "z"]
        with pytest.raises(openai.InternalServerError):
            ask(make_client(replay, "a"))
        assert ask(make_client(replay, "a")) == "y"


def test_a_fault_that_did_not_occur_is_reported() -> None:
    with replay_tape(TAPE, [hangs("a", call=7, times=2)]) as replay:
        ask(make_client(replay, "a"))
    assert [str(fault) for fault in replay.unfired_faults] == ["hangs at calls 7 to 8 of a"]


def test_a_fault_before_the_first_call_is_rejected() -> None:
    with pytest.raises(ValueError, match="call=0"):
        drops_connection("a", call=0)
