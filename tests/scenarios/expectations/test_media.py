"""Branches at work at once: each expectation can hold, each can fail, and says what was seen."""

from typing import Any

import pytest

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.media import (
    duplicates_measurement,
    has_no_errors,
    measures_different_parts,
    polls_with_progress,
    polls_without_progress,
    shares_measurement,
)

WHOLE = (0.0, 4.0)
FIRST, SECOND = (0.0, 2.0), (2.0, 4.0)


def turn(agent: str, *inside: Span) -> Span:
    return Span(agent, "AGENT", attributes={"gen_ai.agent.name": agent}, children=inside)


def tool(name: str, *inside: Span, status: str = "OK", says: str = "", **told: Any) -> Span:
    attributes = {key.replace("_", ".", 1): value for key, value in told.items()}
    return Span(name, "TOOL", status, says, attributes=attributes, children=inside)


def made(measurement: str, part: tuple[float, float] = WHOLE) -> Span:
    from_s, to_s = part
    given = {"from_s": from_s, "to_s": to_s}
    return Span(f"measure {measurement}", "MEASUREMENT", inputs=given)


def answered(state: str, looked_through: int, **ended: str) -> Span:
    return tool("archive", lookup_state=state, lookup_looked_through=looked_through, **ended)


def why_not(expectation: Expectation, *turns: Span) -> str | None:
    return expectation.explain_failure(Trace((Span("verification", "CHAIN", children=turns),)))


AGAIN = duplicates_measurement("flashes", agents=("video", "sync"))
EACH = measures_different_parts("flashes", agents=("video", "sync"))
SHARES = shares_measurement("flashes", reused_by="sync", made_by="video")
VIDEO = turn("video", tool("flashes", made("flashes")))


def test_what_two_branches_make_of_the_same_part_is_fetched_again() -> None:
    sync = turn("sync", tool("offset", made("flashes"), made("beeps")))
    assert why_not(AGAIN, VIDEO, sync) is None
    no = "video made it of 0.0 s to 4.0 s; sync made it of 0.0 s to 4.0 s"
    assert why_not(EACH, VIDEO, sync) == no


def test_what_two_branches_make_of_different_parts_is_not_fetched_again() -> None:
    video = turn("video", tool("flashes", made("flashes", FIRST)))
    sync = turn("sync", tool("offset", made("flashes", SECOND)))
    assert why_not(EACH, video, sync) is None
    no = "video made it of 0.0 s to 2.0 s; sync made it of 2.0 s to 4.0 s"
    assert why_not(AGAIN, video, sync) == no


def test_one_branch_that_measures_twice_is_not_two() -> None:
    video = turn("video", tool("flashes", made("flashes")), tool("flashes", made("flashes")))
    no = "video made it of 0.0 s to 4.0 s; sync made it of nothing"
    assert why_not(AGAIN, video, turn("sync")) == why_not(EACH, video, turn("sync")) == no


def test_another_measurement_is_not_the_same() -> None:
    sync = turn("sync", tool("offset", made("beeps")))
    assert "sync made it of nothing" in str(why_not(AGAIN, VIDEO, sync))


def test_a_measurement_that_was_made_once_is_shared_by_who_says_so() -> None:
    sync = turn("sync", tool("offset", measurement_shared=["beeps", "flashes"]))
    assert why_not(SHARES, VIDEO, sync) is None


@pytest.mark.parametrize(
    ("turns", "no"),
    [
        (
            (VIDEO, turn("sync", tool("offset", made("flashes")))),
            "made 2 times, 1 of them by",
        ),
        ((turn("video"), turn("sync", tool("offset"))), "it is made 0 times, 0 of them by video"),
        ((turn("video"), turn("sync", made("flashes"))), "it is made 1 time, 0 of them by video"),
        ((VIDEO, turn("sync", tool("offset", measurement_shared=["beeps"]))), "sync shares beeps"),
        ((VIDEO, turn("sync", tool("offset"))), "sync shares nothing"),
    ],
)
def test_a_measurement_is_not_shared(turns: tuple[Span, ...], no: str) -> None:
    assert no in str(why_not(SHARES, *turns))


WAITS = polls_without_progress("video", "archive", times=2)
GETS_ON = polls_with_progress("video", "archive", times=2)


def test_who_is_told_the_same_each_time_waits_in_silence() -> None:
    video = turn("video", answered("running", 412), answered("running", 412))
    assert why_not(WAITS, video) is None
    assert why_not(GETS_ON, video) == "2 calls: OK, running at 412; OK, running at 412"


def test_what_comes_further_each_time_and_ends_gets_on() -> None:
    video = turn("video", answered("running", 412), answered("done", 900))
    assert why_not(GETS_ON, video) is None
    assert why_not(WAITS, video) == "2 calls: OK, running at 412; OK, done at 900"


@pytest.mark.parametrize(
    ("calls", "no"),
    [
        ((), "0 calls"),
        ((answered("running", 412),), "1 call: OK, running at 412"),
        ((tool("archive"), tool("archive")), "2 calls: OK, None at None; OK, None at None"),
    ],
)
def test_who_asks_otherwise_neither_waits_in_silence_nor_gets_on(
    calls: tuple[Span, ...], no: str
) -> None:
    video = turn("video", *calls)
    assert why_not(WAITS, video) == why_not(GETS_ON, video) == no


def test_who_is_told_of_an_error_does_not_wait_in_silence() -> None:
    failed = answered("running", 412, status="ERROR", says="no news")
    no = "1 call: ERROR, running at 412"
    assert why_not(WAITS, turn("video", answered("running", 412), failed)) == no


def test_what_is_done_at_once_and_asked_for_again_is_no_silence() -> None:
    video = turn("video", answered("done", 900), answered("done", 900))
    assert why_not(WAITS, video) == "2 calls: OK, done at 900; OK, done at 900"


def test_what_falls_back_does_not_get_on() -> None:
    video = turn("video", answered("running", 900), answered("done", 412))
    assert why_not(GETS_ON, video) == "2 calls: OK, running at 900; OK, done at 412"


def test_what_is_still_under_way_at_the_end_has_not_got_on() -> None:
    video = turn("video", answered("running", 412), answered("running", 900))
    no = "2 calls: OK, running at 412; OK, running at 900"
    assert why_not(GETS_ON, video) == why_not(WAITS, video) == no


def test_an_error_anywhere_is_told() -> None:
    assert why_not(has_no_errors(), turn("video", answered("done", 900))) is None
    failed = tool("archive", status="ERROR", says="no news")
    assert why_not(has_no_errors(), turn("video", failed)) == "archive ended ERROR (no news)"
