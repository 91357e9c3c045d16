"""Answer one request to the replay server, from the tape or a real server, and log it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import httpx

from scenarios.replay.exchange.answer import SSE_HEADERS, Answer, build_answer
from scenarios.replay.exchange.fault_injection import (
    DAMAGE_FAULTS,
    DELAY_FAULTS,
    NO_REPLY_FAULTS,
    delay_reply,
    send_damaged_reply,
    send_failure,
)
from scenarios.replay.exchange.replay_state import AnswerPace, CloseEntry, ReplayState
from scenarios.replay.faults import Fault
from scenarios.replay.http_server.connection import JSON_CONTENT_TYPE, Connection
from scenarios.replay.http_server.forwarding import UnknownStatusError
from scenarios.replay.ledger import Exchange
from scenarios.replay.openai_api.errors import error_body
from scenarios.replay.selection.fork import FORK_HEADER, ForkedSelector
from scenarios.replay.selection.line_selector import SelectedLine
from scenarios.replay.selection.refusal import RequestRefusedError
from scenarios.tape.requests.request import Request

ForwardCall = Callable[[Connection], Awaitable[tuple[httpx.Response, bytes]]]
"""Forwards a request and streams the response; see `ForwardingClient.forward`."""


@dataclass(frozen=True)
class ExchangeHandler:
    """Answers a request, and logs it in the ledger.

    Attributes:
        state: The state of the run. After a rewind, this exchange still belongs to the old one.
        request: The parsed request, with its lane.
        refusal: The error of an invalid request, which is sent in place of an answer. Such a
            request is logged without its body, which may contain secrets.
        forward: Answers the request in place of the tape.
        record: Answers the request if no line of the tape does.
    """

    state: ReplayState
    connection: Connection
    request: Request
    refusal: RequestRefusedError | None = None
    forward: ForwardCall | None = None
    record: ForwardCall | None = None

    async def handle(self) -> None:
        """Log the request, apply the fault of its call if there is one, and answer it."""
        state, connection, lane = self.state, self.connection, self.request.lane
        state.calls_by_lane[lane] += 1
        call = state.calls_by_lane[lane]
        fault = state.faults.fault_for_call(lane, call, streamed=self.request.is_streamed)
        close_entry = self._log_start(call, fault)
        if fault is not None and fault.name in NO_REPLY_FAULTS:
            rate_limit_s = state.faults.remaining_limit_s(lane)
            await send_failure(connection, fault, rate_limit_s, close_entry)
        elif (
            fault is not None
            and fault.name in DELAY_FAULTS
            and not await delay_reply(connection, fault, state.calls_by_lane)
        ):
            close_entry()  # the client went away
        elif self.forward is not None:
            await self._send_forwarded(self.forward, close_entry)
        else:
            await self._replay(call, fault, close_entry)

    def _log_start(self, call: int, fault: Fault | None) -> CloseEntry:
        request, refusal = self.request, self.refusal
        return self.state.ledger.open(
            Exchange(
                lane=refusal.lane if refusal else request.lane,
                call=call,
                path=request.path,
                request=None if refusal else request.canonical_body,
                model=request.model,
                streamed=request.is_streamed,
                started_ms=self.state.ledger.elapsed_ms,
                fault=fault.name if fault else None,
            )
        )

    async def _replay(self, call: int, fault: Fault | None, close_entry: CloseEntry) -> None:
        state, connection, selector = self.state, self.connection, self.state.line_selector
        try:
            selected = await self._select_line(call)
            answer = self._build_answer(selected)
        except RequestRefusedError as error:
            if self.record is not None and selector.sends_refused_live:
                await self._send_forwarded(self.record, close_entry)
                return
            state.refusals.append(error)
            close_entry(status=error.status)
            body = error_body(str(error), error.error_type)
            await connection.send_response(error.status, JSON_CONTENT_TYPE, body)
            return
        outcome = {"line": selected.line.number, "status": answer.status, "reply": answer.reply}
        if fault is not None and fault.name in DAMAGE_FAULTS:
            selector.return_line(selected.line, partly_served=True)
            close_entry(**outcome)
            await send_damaged_reply(connection, fault, answer)
            return
        close = partial(close_entry, **outcome)
        log_delivery = partial(state.log_delivery, connection, selected.line, answer, close)
        pace = AnswerPace(selected.line) if state.is_paced else None
        async with state.sending(connection, self.request, selected.line):
            await _send_answer(connection, answer, log_delivery, pace)

    async def _select_line(self, call: int) -> SelectedLine:
        if self.refusal is not None:
            raise self.refusal
        selector, request = self.state.line_selector, self.request
        if call > 1:
            await self.state.wait_for_aborted_answers(request.lane, request.digest)
        if isinstance(selector, ForkedSelector) and selector.is_fork(request, call):
            self.connection.add_header(FORK_HEADER, str(selector.fork.point).encode())
        selected = selector.select(request, call)
        if selected.drift is not None:
            self.state.drift.append(selected.drift)
        return selected

    def _build_answer(self, selected: SelectedLine) -> Answer:
        try:
            return build_answer(self.request, selected)
        except Exception as error:
            # A recorded line contains what some endpoint sent, which may have any shape.
            self.state.line_selector.return_line(selected.line, partly_served=False)
            message = f"{selected.line.location} cannot be served: {type(error).__name__}: {error}"
            raise RequestRefusedError(
                message, self.request.lane, nearest_line=selected.line
            ) from error

    async def _send_forwarded(self, forward: ForwardCall, close_entry: CloseEntry) -> None:
        """Let a real service answer; if it breaks off, break the client's connection, too."""
        connection = self.connection
        try:
            response, _ = await forward(connection)
        except UnknownStatusError as error:
            close_entry(status=error.status)
            await connection.send_response(error.status, JSON_CONTENT_TYPE, error_body(str(error)))
            return
        except httpx.TransportError:
            close_entry()
            await connection.break_connection()
            return
        outcome = {"status": response.status_code}
        connection.call_if_unread(lambda: close_entry(**outcome, delivered=False))
        close_entry(**outcome, delivered=not connection.is_closing)
        await connection.send_part(b"", more=False)


async def _send_answer(
    connection: Connection,
    answer: Answer,
    log_delivery: Callable[[], None],
    pace: AnswerPace | None,
) -> None:
    """Send an answer; log it before its last byte, so that a client that has it finds it logged."""
    if answer.frames is None:
        if pace is not None:
            await pace.wait_for_end()
        log_delivery()
        await connection.send_response(answer.status, answer.content_type, answer.body)
        return
    closing = len(answer.frames) - answer.closing_frames
    frames, last = answer.frames[:closing], b"".join(answer.frames[closing:])
    await connection.start_response(answer.status, SSE_HEADERS)
    for number, frame in enumerate(frames):
        if pace is not None:
            await pace.wait_for_frame(number)
        await connection.send_part(frame)
        # Let the frame leave by itself, and notice a client that goes away between two frames.
        await asyncio.sleep(0)
    # The end is sent in one part, after the client has read all before it: a client that reads the
    # end has the whole answer, and one that goes away without reading it has aborted the answer.
    await connection.wait_until_read()
    log_delivery()
    await connection.send_part(last, more=False)
