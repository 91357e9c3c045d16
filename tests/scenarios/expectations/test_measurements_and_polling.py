"""Expectations about measurements and polling: each can hold and fail, and explains its failure."""

from typing import Any

import pytest

from instrumentation.trace import Span, Trace
from scenarios.expectations import (
    Expectation,
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


def tool(name: str, *inside: Span, status: str = "OK", message: str = "", **details: Any) -> Span:
    attributes = {
        f"flight_recorder.{key.replace('_', '.', 1)}": value for key, value in details.items()
    }
    return Span(name, "TOOL", status, message, attributes=attributes, children=inside)


def measured(measurement: str, part: tuple[float, float] = WHOLE) -> Span:
    from_s, to_s = part
    inputs = {"from_s": from_s, "to_s": to_s}
    return Span(f"measure {measurement}", "MEASUREMENT", inputs=inputs)


def poll(state: str, looked_through: int, **details: str) -> Span:
    return tool("archive", lookup_state=state, lookup_looked_through=looked_through, **details)


def failure_of(expectation: Expectation, *turns: Span) -> str | None:
    return expectation.explain_failure(Trace((Span("verification", "CHAIN", children=turns),)))


DUPLICATES = duplicates_measurement("flashes", agents=("video", "sync"))
DIFFERENT_PARTS = measures_different_parts("flashes", agents=("video", "sync"))
SHARES = shares_measurement("flashes", reused_by="sync", made_by="video")
VIDEO = turn("video", tool("flashes", measured("flashes")))


def test_two_branches_that_measure_the_same_part_duplicate_it() -> None:
    sync = turn("sync", tool("offset", measured("flashes"), measured("beeps")))
    assert failure_of(DUPLICATES, VIDEO, sync) is None
    sentence = "video measured 0.0 s to 4.0 s; sync measured 0.0 s to 4.0 s"
    assert failure_of(DIFFERENT_PARTS, VIDEO, sync) == sentence


def test_two_branches_that_measure_different_parts_do_not_duplicate() -> None:
    video = turn("video", tool("flashes", measured("flashes", FIRST)))
    sync = turn("sync", tool("offset", measured("flashes", SECOND)))
    assert failure_of(DIFFERENT_PARTS, video, sync) is None
    sentence = "video measured 0.0 s to 2.0 s; sync measured 2.0 s to 4.0 s"
    assert failure_of(DUPLICATES, video, sync) == sentence


def test_one_branch_that_measures_twice_is_not_a_duplicate() -> None:
    video = turn(
        "video", tool("flashes", measured("flashes")), tool("flashes", measured("flashes"))
    )
    sentence = "video measured 0.0 s to 4.0 s; sync measured nothing"
    assert (
        failure_of(DUPLICATES, video, turn("sync"))
        == failure_of(DIFFERENT_PARTS, video, turn("sync"))
        == sentence
    )


def test_different_measurements_are_not_duplicates() -> None:
    sync = turn("sync", tool("offset", measured("beeps")))
    assert "sync measured nothing" in str(failure_of(DUPLICATES, VIDEO, sync))


def test_measurement_made_once_is_shared_with_the_branch_that_reuses_it() -> None:
    sync = turn("sync", tool("offset", measurement_shared=["beeps", "flashes"]))
    assert failure_of(SHARES, VIDEO, sync) is None


@pytest.mark.parametrize(
    ("turns", "sentence"),
    [
        (
            (VIDEO, turn("sync", tool("offset", measured("flashes")))),
            "made 2 times, 1 of them by",
        ),
        ((turn("video"), turn("sync", tool("offset"))), "it is made 0 times, 0 of them by video"),
        (
            (turn("video"), turn("sync", measured("flashes"))),
            "it is made 1 time, 0 of them by video",
        ),
        ((VIDEO, turn("sync", tool("offset", measurement_shared=["beeps"]))), "sync reuses beeps"),
        ((VIDEO, turn("sync", tool("offset"))), "sync reuses no measurement"),
    ],
)
def test_measurement_is_not_shared(turns: tuple[Span, ...], sentence: str) -> None:
    assert sentence in str(failure_of(SHARES, *turns))


NO_PROGRESS = polls_without_progress("video", "archive", times=2)
PROGRESS = polls_with_progress("video", "archive", times=2)


def test_identical_replies_are_no_progress() -> None:
    video = turn("video", poll("running", 412), poll("running", 412))
    assert failure_of(NO_PROGRESS, video) is None
    assert failure_of(PROGRESS, video) == "2 calls: OK, running at 412; OK, running at 412"


def test_advancing_replies_that_end_are_progress() -> None:
    video = turn("video", poll("running", 412), poll("done", 900))
    assert failure_of(PROGRESS, video) is None
    assert failure_of(NO_PROGRESS, video) == "2 calls: OK, running at 412; OK, done at 900"


@pytest.mark.parametrize(
    ("calls", "sentence"),
    [
        ((), "0 calls"),
        ((poll("running", 412),), "1 call: OK, running at 412"),
        ((tool("archive"), tool("archive")), "2 calls: OK, None at None; OK, None at None"),
    ],
)
def test_other_numbers_or_kinds_of_calls_are_neither(
    calls: tuple[Span, ...], sentence: str
) -> None:
    video = turn("video", *calls)
    assert failure_of(NO_PROGRESS, video) == failure_of(PROGRESS, video) == sentence


def test_an_error_is_not_a_silent_wait() -> None:
    failed = poll("running", 412, status="ERROR", message="timed out")
    sentence = "1 call: ERROR, running at 412"
    assert failure_of(NO_PROGRESS, turn("video", poll("running", 412), failed)) == sentence


def test_polling_after_done_is_not_a_silent_wait() -> None:
    video = turn("video", poll("done", 900), poll("done", 900))
    assert failure_of(NO_PROGRESS, video) == "2 calls: OK, done at 900; OK, done at 900"


def test_falling_back_is_no_progress() -> None:
    video = turn("video", poll("running", 900), poll("done", 412))
    assert failure_of(PROGRESS, video) == "2 calls: OK, running at 900; OK, done at 412"


def test_a_lookup_that_never_ends_is_no_progress() -> None:
    video = turn("video", poll("running", 412), poll("running", 900))
    sentence = "2 calls: OK, running at 412; OK, running at 900"
    assert failure_of(PROGRESS, video) == failure_of(NO_PROGRESS, video) == sentence


def test_an_error_in_any_span_is_reported() -> None:
    assert failure_of(has_no_errors(), turn("video", poll("done", 900))) is None
    failed = tool("archive", status="ERROR", message="timed out")
    assert failure_of(has_no_errors(), turn("video", failed)) == "archive failed (timed out)"
