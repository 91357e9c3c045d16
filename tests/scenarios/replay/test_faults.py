"""Each fault as the real client meets it, and what it does to tape and ledger."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from json import JSONDecodeError

import httpx
import openai
import pytest

from scenarios.replay.faults import (
    cut,
    drops,
    hangs,
    held,
    malformed,
    rate_limited,
    slow,
    unavailable,
)
from scenarios.replay.replay_server import replayed
from tests.support.tapes import MODEL, ask, client, says, tape, user

TAPE = tape(says("a", "one two three four"))


def test_a_rate_limit_holds_until_its_time_is_over() -> None:
    with replayed(TAPE, [rate_limited("a", retry_after_s=1.0)]) as replay:
        asking = client(replay, "a")
        for _ in range(2):
            with pytest.raises(openai.RateLimitError) as refusal:
                ask(asking)
        assert refusal.value.response.headers["retry-after"] == "1"
        left_ms = int(refusal.value.response.headers["retry-after-ms"])
        assert 0 < left_ms <= 1000
        time.sleep(left_ms / 1000 + 0.02)
        assert ask(asking) == "one two three four"
    assert [e.fault for e in replay.ledger.exchanges] == ["rate_limited", "rate_limited", None]


def test_a_client_that_waits_as_told_gets_its_reply() -> None:
    with replayed(TAPE, [rate_limited("a", retry_after_s=0.1)]) as replay:
        assert ask(client(replay, "a", max_retries=1)) == "one two three four"
    assert [exchange.status for exchange in replay.ledger.exchanges] == [429, 200]


def test_an_outage_has_its_status_and_ends_after_its_times() -> None:
    with replayed(TAPE, [unavailable("a", status=502, times=2)]) as replay:
        for _ in range(2):
            with pytest.raises(openai.InternalServerError) as refusal:
                ask(client(replay, "a"))
            assert refusal.value.status_code == 502
        assert ask(client(replay, "a")) == "one two three four"


def test_a_hang_is_a_timeout_and_no_status() -> None:
    with replayed(TAPE, [hangs("a")]) as replay:
        with pytest.raises(openai.APITimeoutError):
            ask(client(replay, "a", timeout=0.1))
        assert ask(client(replay, "a")) == "one two three four"
    hung = replay.ledger.exchanges[0]
    assert (hung.status, hung.line, hung.delivered, hung.fault) == (None, None, False, "hangs")


def test_a_hang_does_not_delay_the_end() -> None:
    with httpx.Client() as http, replayed(TAPE, [hangs("a")]) as replay:
        with pytest.raises(httpx.ReadTimeout):
            http.post(
                f"{replay.base_url}/chat/completions",
                json={"messages": user("x")},
                headers={"x-agent-name": "a"},
                timeout=0.1,
            )
        began = time.monotonic()
    assert time.monotonic() - began < 5  # a hang has no end
    assert replay.ledger.exchanges[0].ended_ms is not None


def test_a_drop_is_a_connection_error_without_status() -> None:
    with replayed(TAPE, [drops("a")]) as replay:
        with pytest.raises(openai.APIConnectionError) as refusal:
            ask(client(replay, "a"))
        assert isinstance(refusal.value.__cause__, httpx.RemoteProtocolError | httpx.ReadError)
        assert ask(client(replay, "a")) == "one two three four"
    assert replay.ledger.exchanges[0].status is None


def streamed(asked: openai.OpenAI) -> tuple[str, str | None]:
    """The content that arrived, and its finish reason."""
    stream = asked.chat.completions.create(model=MODEL, messages=user("x"), stream=True)
    choices = [chunk.choices[0] for chunk in stream]
    return "".join(choice.delta.content or "" for choice in choices), choices[-1].finish_reason


def test_a_clean_cut_is_a_stream_that_just_ends() -> None:
    with replayed(TAPE, [cut("a", after_frame=3, clean=True)]) as replay:
        assert streamed(client(replay, "a")) == ("one two", None)
        assert streamed(client(replay, "a")) == ("one two three four", "stop")
    first, second = replay.ledger.exchanges
    assert (first.delivered, first.line, first.output_tokens) == (False, 1, 0)
    assert (second.delivered, second.line, second.output_tokens) == (True, 1, 4)


def test_a_broken_cut_is_an_error_after_the_frames_that_came() -> None:
    arrived: list[str | None] = []
    with replayed(TAPE, [cut("a", after_frame=2)]) as replay:
        stream = client(replay, "a").chat.completions.create(
            model=MODEL, messages=user("x"), stream=True
        )
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            arrived.extend(chunk.choices[0].delta.content for chunk in stream)
    assert arrived == ["", "one"]


def test_a_cut_line_counts_as_played_though_a_retry_may_have_it() -> None:
    with replayed(TAPE, [cut("a", after_frame=1, clean=True)]) as replay:
        streamed(client(replay, "a"))
    assert replay.unplayed == ()


def test_no_cut_falls_behind_the_finish_reason() -> None:
    with replayed(TAPE, [cut("a", after_frame=99, clean=True)]) as replay:
        assert streamed(client(replay, "a")) == ("one two three four", None)


def test_a_cut_does_not_strike_a_plain_reply() -> None:
    with replayed(TAPE, [cut("a")]) as replay:
        assert ask(client(replay, "a")) == "one two three four"
    assert [str(fault) for fault in replay.unfired] == ["cut at call 1 of a"]


def test_a_malformed_reply_is_status_200_and_no_json() -> None:
    with replayed(TAPE, [malformed("a")]) as replay:
        raw = client(replay, "a").chat.completions.with_raw_response.create(
            model=MODEL, messages=user("x")
        )
        assert raw.status_code == 200
        with pytest.raises(JSONDecodeError):
            raw.parse()
        assert ask(client(replay, "a")) == "one two three four"


def test_a_malformed_stream_has_a_frame_that_is_no_json() -> None:
    with replayed(TAPE, [malformed("a")]) as replay, pytest.raises(JSONDecodeError):
        streamed(client(replay, "a"))


def test_a_slow_reply_is_late_and_right() -> None:
    with replayed(TAPE, [slow("a", delay_s=0.1)]) as replay:
        assert ask(client(replay, "a")) == "one two three four"
    seen = replay.ledger.exchanges[0]
    assert seen.ended_ms is not None
    assert seen.ended_ms - seen.started_ms >= 95  # clocks are not that fine
    assert (seen.fault, seen.delivered) == ("slow", True)


def test_a_client_that_does_not_wait_for_a_slow_reply_leaves_its_line_to_the_next() -> None:
    with replayed(TAPE, [slow("a", delay_s=5)]) as replay:
        with pytest.raises(openai.APITimeoutError):
            ask(client(replay, "a", timeout=0.1))
        assert ask(client(replay, "a")) == "one two three four"


def test_a_reply_is_held_until_another_lane_has_asked() -> None:
    taped = tape(says("a", "x"), says("b", "y"), says("b", "z"))
    with replayed(taped, [held("a", until={"b": 2})]) as replay, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, client(replay, "a"))
        assert ask(client(replay, "b")) == "y"
        assert not wait([waiting], timeout=0.2).done
        assert ask(client(replay, "b")) == "z"
        assert waiting.result() == "x"


def test_a_client_that_does_not_wait_for_a_held_reply_leaves_its_line_to_the_next() -> None:
    with replayed(TAPE, [held("a", until={"b": 1})]) as replay:
        with pytest.raises(openai.APITimeoutError):
            ask(client(replay, "a", timeout=0.1))
        assert ask(client(replay, "a")) == "one two three four"


def test_a_reply_that_waits_for_its_own_lane_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValueError, match="other lanes"):
        held("a", until={"a": 2})


def test_a_fault_strikes_its_call_in_its_lane_only() -> None:
    taped = tape(says("a", "x"), says("a", "y"), says("b", "z"))
    with replayed(taped, [unavailable("a", call=2)]) as replay:
        assert [ask(client(replay, "a")), ask(client(replay, "b"))] == ["x", "z"]
        with pytest.raises(openai.InternalServerError):
            ask(client(replay, "a"))
        assert ask(client(replay, "a")) == "y"


def test_a_fault_that_never_struck_is_reported() -> None:
    with replayed(TAPE, [hangs("a", call=7, times=2)]) as replay:
        ask(client(replay, "a"))
    assert [str(fault) for fault in replay.unfired] == ["hangs at calls 7 to 8 of a"]


def test_a_fault_before_the_first_call_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValueError, match="call=0"):
        drops("a", call=0)
