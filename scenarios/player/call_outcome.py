"""An ending: how the call of a workflow came to its end, held against what its variant says."""

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
"""How often the ledger is looked at for what a call is to be stopped by."""
CANCEL_TIMEOUT_S = 5.0
"""How long a call may take to end once it is cancelled."""


async def await_outcome(
    call: Coroutine[Any, Any, Any], variant: Variant, ledger: Ledger | None = None
) -> str | None:
    """Wait for the call to end as its variant says that it will; else, how it did end.

    A call that takes too long, or is expected to wait for ever, is cancelled, as a person would.
    `ledger` tells how often a lane was asked, for a variant that is stopped by that.
    """
    patience_s = variant.stopped_after_s or TIMEOUT_S
    running = asyncio.ensure_future(call)
    if ledger is not None:
        await _wait_for_calls(running, *variant.after_calls, ledger)
    await asyncio.wait([running], timeout=patience_s)
    if not running.done():
        running.cancel()
        await asyncio.wait([running], timeout=CANCEL_TIMEOUT_S)
        if not running.done():
            return f"it did not end, though it was cancelled {CANCEL_TIMEOUT_S:g} s ago"
        return None if variant.stopped_after_s else f"it did not end within {patience_s:g} s"
    if running.cancelled():
        return "it was cancelled, and not by the player"
    return _explain_outcome(running.exception(), variant)


async def _wait_for_calls(running: Task[Any], lane: str, calls: int, ledger: Ledger) -> None:
    """Wait until the lane was asked and answered so often, or the call has ended.

    A request that a fault leaves to hang is never answered: it counts from the start.
    """
    too_late_s = time.monotonic() + TIMEOUT_S
    while not running.done() and time.monotonic() < too_late_s:
        its = [exchange for exchange in ledger.exchanges if exchange.lane == lane]
        if sum(one.ended_ms is not None or one.fault == "hangs" for one in its) >= calls:
            return
        await asyncio.sleep(POLL_INTERVAL_S)


def _explain_outcome(error: BaseException | None, variant: Variant) -> str | None:
    if variant.stopped_after_s:
        how = f"raised {_error_summary(error)}" if error else "ended by itself"
        return f"it was to wait until it was stopped, and {how}"
    if error is None:
        return f"it was to raise {variant.raises.__name__}, and did not" if variant.raises else None
    if variant.raises and isinstance(error, variant.raises) and variant.message in str(error):
        return None
    due = f"{variant.raises.__name__} saying {variant.message!r}" if variant.raises else "no error"
    return f"it raised {_error_summary(error)} (expected: {due})"


def _error_summary(error: BaseException) -> str:
    """The error without the traceback that AutoGen puts into its text."""
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}"
