"""A flight: one exchange on its way to its last byte, or to where a fault strikes."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from scenarios.http_server.connection import Wire
from scenarios.replay.answer import JSON, Answer, answer
from scenarios.replay.faults import Fault, Faults
from scenarios.replay.ledger import Exchange, Ledger
from scenarios.replay.line_selector import Choice, Reel
from scenarios.replay.openai_api.errors import error
from scenarios.replay.refusal import Refused
from scenarios.tape.request import Request

GLANCE_S = 0.02
"""How often it is looked whether what a reply is held for has come."""
SSE = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]

Passing = Callable[[Wire], Awaitable[tuple[httpx.Response, bytes]]]
"""Passes an exchange on to a real server, and its answer back, but for the end: forward.py."""


class Flight:
    """Opens a page in the ledger, and closes it once, before the last byte leaves.

    So whoever has read that byte finds the exchange written down.
    """

    def __init__(
        self, wire: Wire, request: Request, ledger: Ledger, page: Exchange, began_s: float
    ) -> None:
        self._wire = wire
        self._request = request
        self._write_down = ledger.open(page)
        self._began_s = began_s

    def close(self, **outcome: Any) -> None:
        """Write the outcome into the ledger."""
        self._write_down(ended_ms=(time.monotonic() - self._began_s) * 1000, **outcome)

    async def refuse(self, refusal: Refused) -> None:
        self.close(status=refusal.status)
        await self._wire.answer(refusal.status, JSON, error(str(refusal), refusal.kind))

    async def fail(self, fault: Fault, faults: Faults) -> None:
        """What a fault does that leaves no reply."""
        if fault.name == "hangs":
            await self._wire.gone()
            self.close()
        elif fault.name == "drops":
            self.close()
            await self._wire.break_off()
        elif fault.name == "rate_limited":
            wait_s = faults.wait_s(fault.lane, time.monotonic())
            said = error(f"Rate limit reached: try again in {wait_s:.3f} s.", "rate_limit_exceeded")
            self.close(status=fault.status)
            await self._wire.answer(fault.status, JSON, said, *_retry_after(wait_s))
        else:
            self.close(status=fault.status)
            said = error("The server is unable to answer now.", "server_error")
            await self._wire.answer(fault.status, JSON, said)

    async def delayed(self, fault: Fault, has_come: Callable[[], bool]) -> bool:
        """Wait for what the fault waits for, and as long; False if the client did not."""
        gone = False
        while not gone and not has_come():
            gone = await self._wire.gone(GLANCE_S)
        if gone or await self._wire.gone(fault.delay_s):
            self.close()
            return False
        return True

    async def pass_on(self, passing: Passing) -> None:
        """Let a real server answer; if it does not, the connection breaks as its own would."""
        try:
            response, _ = await passing(self._wire)
        except httpx.TransportError:
            self.close()
            await self._wire.break_off()
            return
        self.close(status=response.status_code, delivered=not self._wire.closing)
        await self._wire.write(b"", more=False)

    async def serve(self, choice: Choice, reel: Reel, fault: Fault | None) -> None:
        """Send the reply of the chosen line, as far as a fault lets it."""
        try:
            answered = answer(self._request, choice)
        except Exception as error:
            # A recorded line has the shape that some endpoint gave it, and that may be any.
            reel.give_back(choice.line, touched=False)
            why = f"{choice.line.at} can't be played: {type(error).__name__}: {error}"
            raise Refused(why, self._request.lane, 0, choice.line) from error
        if fault is not None and fault.name in ("cut", "malformed"):
            reel.give_back(choice.line, touched=True)
            self.close(**_kept(choice, answered))
            await (self._cut if fault.name == "cut" else self._malform)(answered, fault)
        elif answered.frames is None:
            self._deliver(choice, answered, reel)
            await self._wire.answer(answered.status, answered.content_type, answered.body)
        else:
            *frames, last = answered.frames or [b""]
            await self._wire.begin(answered.status, SSE)
            for frame in frames:
                await self._wire.write(frame)
                # Each frame leaves by itself, and a client may go away between two.
                await asyncio.sleep(0)
            self._deliver(choice, answered, reel)
            await self._wire.write(last, more=False)

    def _deliver(self, choice: Choice, answered: Answer, reel: Reel) -> None:
        if self._wire.closing:
            reel.give_back(choice.line, touched=True)
            self.close(**_kept(choice, answered))
            return
        self.close(
            **_kept(choice, answered),
            delivered=True,
            tool_calls=answered.tool_calls,
            input_tokens=answered.input_tokens,
            output_tokens=answered.output_tokens,
        )

    async def _cut(self, answered: Answer, fault: Fault) -> None:
        frames = answered.frames or []
        await self._wire.begin(answered.status, SSE)
        for frame in frames[: -answered.ending][: fault.after_frame]:
            await self._wire.write(frame)
        if fault.clean:
            await self._wire.write(b"", more=False)
        else:
            await self._wire.break_off()

    async def _malform(self, answered: Answer, _: Fault) -> None:
        if answered.frames is None:
            half = answered.body[: len(answered.body) // 2]
            await self._wire.answer(answered.status, answered.content_type, half)
            return
        first = (answered.frames or [b""])[0]
        await self._wire.begin(answered.status, SSE)
        await self._wire.write(first[: len(first) // 2] + b"\n\n", more=False)


def _kept(choice: Choice, answered: Answer) -> dict[str, Any]:
    return {"line": choice.line.number, "status": answered.status, "reply": answered.reply}


def _retry_after(wait_s: float) -> list[tuple[bytes, bytes]]:
    """Whole seconds (RFC 9110, 10.2.3), and beside them the milliseconds that OpenAI sends."""
    return [
        (b"retry-after", b"%d" % math.ceil(wait_s)),
        (b"retry-after-ms", b"%d" % math.ceil(wait_s * 1000)),
    ]
