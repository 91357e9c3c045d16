"""A replay's state: what it has served, and when each answer is due, by recorded order or pace.

Agents of a fan-out finish in another order in each run. Where the next prompt lists their replies
in the order in which they came, it differs from the recorded one. A recording has its lines in the
order in which the answers ended, so the same order gives the same prompt.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from scenarios.replay.exchange.answer import Answer
from scenarios.replay.exchange.fault_injection import FaultSchedule
from scenarios.replay.http_server.connection import Connection
from scenarios.replay.ledger import Ledger
from scenarios.replay.selection.line_selector import LineSelector
from scenarios.replay.selection.refusal import RequestRefusedError
from scenarios.tape.line import TapeLine
from scenarios.tape.requests.drift import Drift
from scenarios.tape.requests.request import Request

CloseEntry = Callable[..., None]
"""Logs the outcome of an exchange; see `Ledger.open`."""
CLOSE_ROUNDS = 3
"""How often the event loop must run until all connections that clients have closed are known."""
CLOSE_TIMEOUT_S = 0.25
"""How long a client may take to close the connection of an aborted answer, once it asks again."""
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


@dataclass(frozen=True, eq=False)
class SentAnswer:
    """An answer on its way; `is_over` is set when its client has read it or has gone away."""

    connection: Connection
    digest: str
    is_over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class ReplayState:
    """What has been served since the last rewind."""

    line_selector: LineSelector
    faults: FaultSchedule
    ledger: Ledger
    refusals: list[RequestRefusedError] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    calls_by_lane: Counter[str] = field(default_factory=Counter)
    answers_by_lane: defaultdict[str, list[SentAnswer]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """The answers that are being sent, or that their clients have not read."""
    order: RecordedOrder | None = None
    """Holds answers until it is their turn, if the recorded order is kept."""
    is_paced: bool = False
    """Whether answers take as long as they did when they were recorded."""

    async def wait_for_aborted_answers(self, lane: str, digest: str) -> None:
        """Wait until the lines of answers whose clients have gone away are on the tape again.

        A client that aborts an answer may ask again at once, and must get the same line. If it
        repeats a request whose answer is not read yet, it may still be closing the connection.
        """
        for _ in range(CLOSE_ROUNDS):
            await asyncio.sleep(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                for sent in tuple(self.answers_by_lane[lane]):
                    if sent.connection.is_closing or sent.digest == digest:
                        await sent.is_over.wait()

    def log_delivery(
        self, connection: Connection, line: TapeLine, answer: Answer, close_entry: CloseEntry
    ) -> None:
        """Log an answer as delivered; as aborted if the client goes away without reading it."""

        def log_abort() -> None:
            self.line_selector.return_line(line, partly_served=True)
            close_entry(delivered=False, tool_calls=0, input_tokens=0, output_tokens=0)

        if connection.is_closing:
            log_abort()
            return
        connection.call_if_unread(log_abort)
        close_entry(
            delivered=True,
            tool_calls=answer.tool_calls,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
        )

    @asynccontextmanager
    async def sending(
        self, connection: Connection, request: Request, line: TapeLine
    ) -> AsyncGenerator[None]:
        """Wait for the line's turn, let the block send its answer, then wait until it is read."""
        answers = self.answers_by_lane[request.lane]
        sent = SentAnswer(connection, request.digest)
        answers.append(sent)
        try:
            if self.order is not None:
                await self.order.wait_for_turn(line)
            yield
            await connection.wait_until_read()
        finally:
            answers.remove(sent)
            sent.is_over.set()
        if self.order is not None:
            await self.order.finish(line)
