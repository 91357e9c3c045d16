"""How a workflow call ends is compared with what its variant expects."""

import asyncio

import pytest

from scenarios.player import expected_end
from scenarios.player.expected_end import await_expected_end
from scenarios.replay.ledger import Exchange, Ledger
from scenarios.scenario import Variant


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


async def test_an_expected_outcome_is_no_problem() -> None:
    assert await await_expected_end(ends(), Variant()) is None
    assert await await_expected_end(fails(), Variant().raising(RuntimeError, "429")) is None
    assert await await_expected_end(waits(), Variant().stopped_after(0.05)) is None


async def test_an_unexpected_error_is_reported() -> None:
    problem = await await_expected_end(fails(), Variant())
    assert problem == "the workflow raised RuntimeError: RateLimitError: 429 (expected: no error)"


async def test_another_error_than_the_expected_one_is_reported() -> None:
    problem = await await_expected_end(fails(), Variant().raising(RuntimeError, "503"))
    assert problem is not None
    assert problem.endswith("(expected: RuntimeError with a message containing '503')")


async def test_a_missing_error_is_reported() -> None:
    problem = await await_expected_end(ends(), Variant().raising(RuntimeError, "429"))
    assert problem == (
        "the workflow ended by itself (expected: RuntimeError with a message containing '429')"
    )


async def test_a_call_that_ends_instead_of_waiting_is_reported() -> None:
    variant = Variant().stopped_after(5.0)
    assert await await_expected_end(ends(), variant) == (
        "the workflow ended by itself (expected: it runs until it is stopped)"
    )
    assert await await_expected_end(fails(), variant) == (
        "the workflow raised RuntimeError: RateLimitError: 429"
        " (expected: it runs until it is stopped)"
    )


async def test_a_call_that_cancels_itself_is_reported() -> None:
    assert (
        await await_expected_end(cancels_itself(), Variant())
        == "the workflow was cancelled, but not by the player"
    )


async def test_an_endless_call_is_cancelled_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expected_end, "TIMEOUT_S", 0.05)
    assert await await_expected_end(waits(), Variant()) == "the workflow did not end within 0.05 s"


async def test_a_call_that_ignores_its_cancellation_does_not_block_the_player(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expected_end, "CANCEL_TIMEOUT_S", 0.05)
    problem = await await_expected_end(will_not_stop(), Variant().stopped_after(0.05))
    assert problem == "the workflow did not end within 0.05 s of its cancellation"


def add_exchange(ledger: Ledger, lane: str) -> None:
    """Add an exchange of the lane that has ended."""
    exchange = Exchange(lane, 1, "/search", None, "", False, 0.0)
    ledger.open(exchange)(status=503, ended_ms=1.0)


async def test_a_call_is_stopped_after_a_number_of_calls_of_a_lane() -> None:
    ledger = Ledger()

    async def asks_for_ever() -> None:
        for _ in range(100):
            await asyncio.sleep(0.2)
            add_exchange(ledger, "index")

    variant = Variant().stopped_after(0.05, lane="index", calls=2)
    assert await await_expected_end(asks_for_ever(), variant, ledger) is None
    assert len(ledger.exchanges) == 2


async def test_a_call_with_a_hanging_request_is_stopped_after_the_request_was_made() -> None:
    ledger = Ledger()

    async def hangs() -> None:
        await asyncio.sleep(0.3)
        ledger.open(Exchange("writer", 1, "/search", None, "", False, 0.0, fault="hangs"))
        await asyncio.Event().wait()

    variant = Variant().stopped_after(0.05, lane="writer", calls=1)
    async with asyncio.timeout(10):
        assert await await_expected_end(hangs(), variant, ledger) is None
    assert len(ledger.exchanges) == 1


async def test_calls_of_other_lanes_do_not_count() -> None:
    ledger = Ledger()
    add_exchange(ledger, "tavily")
    variant = Variant().stopped_after(0.05, lane="index", calls=1)
    assert await await_expected_end(ends(), variant, ledger) == (
        "the workflow ended by itself (expected: it runs until it is stopped)"
    )


def test_a_call_and_the_tasks_that_it_left_end_in_order_on_ctrl_c(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended = list[str]()

    async def wait_and_fail() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")
            raise ValueError("task_done() called too many times")

    async def leave_a_task() -> None:
        task = asyncio.create_task(wait_and_fail())
        try:
            await asyncio.wait([task])
        finally:
            await asyncio.sleep(0.05)
            ended.append("workflow")

    async def interrupt() -> None:
        waiting = asyncio.ensure_future(await_expected_end(leave_a_task(), Variant()))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await waiting

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupt())
    assert ended == ["workflow", "task"]
    assert not caplog.records
