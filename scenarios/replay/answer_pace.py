"""Send an answer at the pace at which it was recorded."""

import asyncio
import time

from scenarios.tape.line import TapeLine


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
