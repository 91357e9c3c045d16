"""Send answers as they were recorded: in the order of the tape, and at their pace.

Agents of a fan-out finish in another order in each run. Where the next prompt lists their replies
in the order in which they came, it differs from the recorded one. A recording has its lines in the
order in which the answers ended, so the same order gives the same prompt.
"""

import asyncio
import time
from collections.abc import Iterable

from scenarios.tape.line import TapeLine

WAIT_TIMEOUT_S = 5.0
"""How long an answer is held if the lines before it are not played at all."""
READ_GAP_S = 0.02
"""The time between two answers, so that the program handles the first one before the second."""


class RecordedOrder:
    """The recorded lines that have not been answered yet. All methods run on one event loop."""

    def __init__(self, lines: Iterable[TapeLine]) -> None:
        self._pending = {line.number for line in lines if line.response is not None}
        self._changed = asyncio.Event()

    async def wait_for_turn(self, line: TapeLine) -> None:
        """Wait until each earlier line is answered; one that stays away delays others only once."""
        if line.number not in self._pending:
            return
        try:
            async with asyncio.timeout(WAIT_TIMEOUT_S):
                while any(number < line.number for number in self._pending):
                    await self._changed.wait()
        except TimeoutError:
            self._pending = {number for number in self._pending if number >= line.number}
            self._announce()

    async def finish(self, line: TapeLine) -> None:
        """Note that a line is answered, and let the program handle it before the next answer."""
        if line.number in self._pending:
            await asyncio.sleep(READ_GAP_S)
            self._pending.discard(line.number)
            self._announce()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class AnswerPace:
    """When the parts of an answer are due, from now on. A line without times is never late."""

    def __init__(self, line: TapeLine) -> None:
        recorded = line.recorded or {}
        self._started_s = time.monotonic()
        self._total_ms = recorded.get("ms", 0)
        self._frames_ms = recorded.get("frames_ms", [])

    async def wait_for_frame(self, number: int) -> None:
        """Wait until frame `number`, from 0, is due."""
        if number < len(self._frames_ms):
            await self._wait_until(self._frames_ms[number])

    async def wait_for_end(self) -> None:
        """Wait until the complete answer is due."""
        await self._wait_until(self._total_ms)

    async def _wait_until(self, ms: float) -> None:
        left_s = self._started_s + ms / 1000 - time.monotonic()
        if left_s > 0:
            await asyncio.sleep(left_s)
