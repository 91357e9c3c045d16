"""A flight: one exchange on its way to its last byte, or to where a fault strikes."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from scenarios.http_server.connection import Connection
from scenarios.replay.answer import JSON_CONTENT_TYPE, Answer, build_answer
from scenarios.replay.faults import Fault, FaultSchedule
from scenarios.replay.ledger import Exchange, Ledger
from scenarios.replay.line_selector import LineSelector, SelectedLine
from scenarios.replay.openai_api.errors import error_body
from scenarios.replay.refusal import RequestRefusedError
from scenarios.tape.request import Request

POLL_INTERVAL_S = 0.02
"""How often it is looked whether what a reply is held for has come."""
SSE_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
]

ForwardCall = Callable[[Connection], Awaitable[tuple[httpx.Response, bytes]]]
"""Passes an exchange on to a real server, and its answer back, but for the end: forward.py."""


class ExchangeHandler:
    """Opens a page in the ledger, and closes it once, before the last byte leaves.

    So whoever has read that byte finds the exchange written down.
    """

    def __init__(
        self,
        connection: Connection,
        request: Request,
        ledger: Ledger,
        entry: Exchange,
        started_s: float,
    ) -> None:
        self._connection = connection
        self._request = request
        self._close_entry = ledger.open(entry)
        self._started_s = started_s

    def close(self, **outcome: Any) -> None:
        """Write the outcome into the ledger."""
        self._close_entry(ended_ms=(time.monotonic() - self._started_s) * 1000, **outcome)

    async def send_refusal(self, refusal: RequestRefusedError) -> None:
        self.close(status=refusal.status)
        await self._connection.send_response(
            refusal.status, JSON_CONTENT_TYPE, error_body(str(refusal), refusal.error_type)
        )

    async def send_failure(self, fault: Fault, faults: FaultSchedule) -> None:
        """What a fault does that leaves no reply."""
        if fault.name == "hangs":
            await self._connection.wait_until_gone()
            self.close()
        elif fault.name == "drops":
            self.close()
            await self._connection.break_connection()
        elif fault.name == "rate_limited":
            wait_s = faults.remaining_limit_s(fault.lane, time.monotonic())
            said = error_body(
                f"Rate limit reached: try again in {wait_s:.3f} s.", "rate_limit_exceeded"
            )
            self.close(status=fault.status)
            await self._connection.send_response(
                fault.status, JSON_CONTENT_TYPE, said, *_retry_after_headers(wait_s)
            )
        else:
            self.close(status=fault.status)
            said = error_body("The server is unable to answer now.", "server_error")
            await self._connection.send_response(fault.status, JSON_CONTENT_TYPE, said)

    async def wait_for_fault(self, fault: Fault, is_released: Callable[[], bool]) -> bool:
        """Wait for what the fault waits for, and as long; False if the client did not."""
        gone = False
        while not gone and not is_released():
            gone = await self._connection.wait_until_gone(POLL_INTERVAL_S)
        if gone or await self._connection.wait_until_gone(fault.delay_s):
            self.close()
            return False
        return True

    async def forward(self, forward_call: ForwardCall) -> None:
        """Let a real server answer; if it does not, the connection breaks as its own would."""
        try:
            response, _ = await forward_call(self._connection)
        except httpx.TransportError:
            self.close()
            await self._connection.break_connection()
            return
        self.close(status=response.status_code, delivered=not self._connection.is_closing)
        await self._connection.send_part(b"", more=False)

    async def send_reply(
        self, selected: SelectedLine, selector: LineSelector, fault: Fault | None
    ) -> None:
        """Send the reply of the chosen line, as far as a fault lets it."""
        try:
            answered = build_answer(self._request, selected)
        except Exception as error:
            # A recorded line has the shape that some endpoint gave it, and that may be any.
            selector.return_line(selected.line, partly_served=False)
            why = f"{selected.line.location} can't be played: {type(error).__name__}: {error}"
            raise RequestRefusedError(why, self._request.lane, 0, selected.line) from error
        if fault is not None and fault.name in ("cut", "malformed"):
            selector.return_line(selected.line, partly_served=True)
            self.close(**_ledger_fields(selected, answered))
            await (self._send_cut_stream if fault.name == "cut" else self._send_malformed)(
                answered, fault
            )
        elif answered.frames is None:
            self._record_delivery(selected, answered, selector)
            await self._connection.send_response(
                answered.status, answered.content_type, answered.body
            )
        else:
            *frames, last = answered.frames or [b""]
            await self._connection.start_response(answered.status, SSE_HEADERS)
            for frame in frames:
                await self._connection.send_part(frame)
                # Each frame leaves by itself, and a client may go away between two.
                await asyncio.sleep(0)
            self._record_delivery(selected, answered, selector)
            await self._connection.send_part(last, more=False)

    def _record_delivery(self, choice: SelectedLine, answered: Answer, reel: LineSelector) -> None:
        if self._connection.is_closing:
            reel.return_line(choice.line, partly_served=True)
            self.close(**_ledger_fields(choice, answered))
            return
        self.close(
            **_ledger_fields(choice, answered),
            delivered=True,
            tool_calls=answered.tool_calls,
            input_tokens=answered.input_tokens,
            output_tokens=answered.output_tokens,
        )

    async def _send_cut_stream(self, answered: Answer, fault: Fault) -> None:
        frames = answered.frames or []
        await self._connection.start_response(answered.status, SSE_HEADERS)
        for frame in frames[: -answered.closing_frames][: fault.after_frame]:
            await self._connection.send_part(frame)
        if fault.ends_cleanly:
            await self._connection.send_part(b"", more=False)
        else:
            await self._connection.break_connection()

    async def _send_malformed(self, answered: Answer, _: Fault) -> None:
        if answered.frames is None:
            half = answered.body[: len(answered.body) // 2]
            await self._connection.send_response(answered.status, answered.content_type, half)
            return
        first = (answered.frames or [b""])[0]
        await self._connection.start_response(answered.status, SSE_HEADERS)
        await self._connection.send_part(first[: len(first) // 2] + b"\n\n", more=False)


def _ledger_fields(choice: SelectedLine, answered: Answer) -> dict[str, Any]:
    return {"line": choice.line.number, "status": answered.status, "reply": answered.reply}


def _retry_after_headers(wait_s: float) -> list[tuple[bytes, bytes]]:
    """Whole seconds (RFC 9110, 10.2.3), and beside them the milliseconds that OpenAI sends."""
    return [
        (b"retry-after", b"%d" % math.ceil(wait_s)),
        (b"retry-after-ms", b"%d" % math.ceil(wait_s * 1000)),
    ]
