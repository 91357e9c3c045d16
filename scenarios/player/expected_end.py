"""Await a workflow call, and explain if it did not end as its variant expects."""

import asyncio
import time
from asyncio import Task
from collections.abc import Coroutine
from typing import Any

from scenarios.replay.ledger import Ledger
from scenarios.scenario import Variant

TIMEOUT_S = 60.0
"""How long a call may take that is expected to end by itself."""
POLL_INTERVAL_S = 0.05
"""How often the ledger is read for the calls after which a variant is stopped."""
CANCEL_TIMEOUT_S = 5.0
"""How long a call may take to end after it was cancelled."""


async def await_expected_end(
    call: Coroutine[Any, Any, Any], variant: Variant, ledger: Ledger | None = None
) -> str | None:
    """Wait for the call to end; returns None if it ended as expected, else a sentence.

    A call that takes too long, or that the variant expects to wait forever, is cancelled, as a
    person would with Ctrl-C. The ledger counts the calls after which a variant is stopped.
    """
    timeout_s = variant.stopped_after_s or TIMEOUT_S
    others = asyncio.all_tasks()
    running = asyncio.ensure_future(call)
    try:
        if ledger is not None:
            await _wait_for_calls(running, *variant.after_calls, ledger)
        await asyncio.wait([running], timeout=timeout_s)
    finally:
        was_running = running.cancel()
        await asyncio.wait([running], timeout=CANCEL_TIMEOUT_S)
        if was_running:
            await _cancel_tasks(asyncio.all_tasks() - others - {running})
    if was_running:
        if not running.done():
            return f"the workflow did not end within {CANCEL_TIMEOUT_S:g} s of its cancellation"
        if variant.stopped_after_s:
            return None
        return f"the workflow did not end within {timeout_s:g} s"
    if running.cancelled():
        return "the workflow was cancelled, but not by the player"
    return _explain_outcome(running.exception(), variant)


async def _cancel_tasks(remaining: set[Task[Any]]) -> None:
    """Cancel what the framework of a cancelled workflow left running, and ignore its errors.

    asyncio would do so after this, after Ctrl-C too, and log the errors: AutoGen's runtime forgets
    the queue of a cancelled team, and its last messages fail at the new one.
    """
    if remaining:
        for task in remaining:
            task.cancel()
        ended, _ = await asyncio.wait(remaining, timeout=CANCEL_TIMEOUT_S)
        await asyncio.gather(*ended, return_exceptions=True)


async def _wait_for_calls(running: Task[Any], lane: str, calls: int, ledger: Ledger) -> None:
    """Wait until the lane has answered this many calls, or the workflow has ended.

    A call that a fault leaves hanging is never answered: it counts from its start.
    """
    deadline_s = time.monotonic() + TIMEOUT_S
    while not running.done() and time.monotonic() < deadline_s:
        exchanges = [exchange for exchange in ledger.exchanges if exchange.lane == lane]
        if sum(one.ended_ms is not None or one.fault == "hangs" for one in exchanges) >= calls:
            return
        await asyncio.sleep(POLL_INTERVAL_S)


def _explain_outcome(error: BaseException | None, variant: Variant) -> str | None:
    found = f"raised {_error_summary(error)}" if error else "ended by itself"
    if variant.stopped_after_s:
        return f"the workflow {found} (expected: it runs until it is stopped)"
    if variant.raises is None:
        return f"the workflow {found} (expected: no error)" if error else None
    if isinstance(error, variant.raises) and variant.message in str(error):
        return None
    expected = f"{variant.raises.__name__} with a message containing {variant.message!r}"
    return f"the workflow {found} (expected: {expected})"


def _error_summary(error: BaseException) -> str:
    """The error's type and first line: AutoGen puts tracebacks into error messages."""
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}"
