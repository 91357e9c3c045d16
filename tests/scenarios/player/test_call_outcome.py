"""An ending: what a call does is held against what its variant says that it will do."""

import asyncio

import pytest

from scenarios.player import call_outcome
from scenarios.player.call_outcome import await_outcome
from scenarios.replay.ledger import Exchange, Ledger
from scenarios.scenario import variant_with


async def ends() -> str:
    return "done"


async def fails() -> None:
    raise RuntimeError("RateLimitError: 429")


async def waits() -> None:
    await asyncio.Event().wait()


async def cancels_itself() -> None:
    raise asyncio.CancelledError


async def will_not_stop() -> None:
    for _ in range(2):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def test_an_end_as_expected_is_no_surprise() -> None:
    assert await await_outcome(ends(), variant_with()) is None
    assert await await_outcome(fails(), variant_with().raising(RuntimeError, "429")) is None
    assert await await_outcome(waits(), variant_with().stopped_after(0.05)) is None


async def test_an_error_that_nobody_expected_is_told() -> None:
    told = await await_outcome(fails(), variant_with())
    assert told == "it raised RuntimeError: RateLimitError: 429 (expected: no error)"


async def test_another_error_than_the_expected_one_is_told() -> None:
    told = await await_outcome(fails(), variant_with().raising(RuntimeError, "503"))
    assert told is not None
    assert told.endswith("(expected: RuntimeError saying '503')")


async def test_an_expected_error_that_does_not_come_is_told() -> None:
    told = await await_outcome(ends(), variant_with().raising(RuntimeError, "429"))
    assert told == "it was to raise RuntimeError, and did not"


async def test_a_call_that_was_to_wait_and_did_not_is_told() -> None:
    variant = variant_with().stopped_after(5.0)
    assert await await_outcome(ends(), variant) == (
        "it was to wait until it was stopped, and ended by itself"
    )
    assert await await_outcome(fails(), variant) == (
        "it was to wait until it was stopped, and raised RuntimeError: RateLimitError: 429"
    )


async def test_a_call_that_cancels_itself_is_told() -> None:
    assert (
        await await_outcome(cancels_itself(), variant_with())
        == "it was cancelled, and not by the player"
    )


async def test_a_call_without_end_is_cancelled_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_outcome, "TIMEOUT_S", 0.05)
    assert await await_outcome(waits(), variant_with()) == "it did not end within 0.05 s"


async def test_a_call_that_will_not_stop_does_not_hold_the_player(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(call_outcome, "CANCEL_TIMEOUT_S", 0.05)
    told = await await_outcome(will_not_stop(), variant_with().stopped_after(0.05))
    assert told == "it did not end, though it was cancelled 0.05 s ago"


def asked(ledger: Ledger, lane: str) -> None:
    """An exchange of the lane that has ended."""
    page = Exchange(lane, 1, "/search", None, "", False, 0.0)
    ledger.open(page)(status=503, ended_ms=1.0)


async def test_a_call_is_stopped_once_a_lane_was_asked_so_often() -> None:
    ledger = Ledger()

    async def asks_for_ever() -> None:
        for _ in range(100):
            await asyncio.sleep(0.2)
            asked(ledger, "index")

    variant = variant_with().stopped_after(0.05, lane="index", calls=2)
    assert await await_outcome(asks_for_ever(), variant, ledger) is None
    assert len(ledger.exchanges) == 2


async def test_a_call_whose_request_hangs_is_stopped_only_once_it_was_made() -> None:
    ledger = Ledger()

    async def hangs() -> None:
        await asyncio.sleep(0.3)
        ledger.open(Exchange("writer", 1, "/search", None, "", False, 0.0, fault="hangs"))
        await asyncio.Event().wait()

    variant = variant_with().stopped_after(0.05, lane="writer", calls=1)
    async with asyncio.timeout(10):
        assert await await_outcome(hangs(), variant, ledger) is None
    assert len(ledger.exchanges) == 1


async def test_what_other_lanes_were_asked_does_not_count() -> None:
    ledger = Ledger()
    asked(ledger, "tavily")
    variant = variant_with().stopped_after(0.05, lane="index", calls=1)
    assert await await_outcome(ends(), variant, ledger) == (
        "it was to wait until it was stopped, and ended by itself"
    )
