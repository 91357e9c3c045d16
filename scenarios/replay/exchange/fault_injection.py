"""Decide which fault applies to a call, and carry it out on the connection."""

import math
import time
from collections.abc import Callable, Iterable, Mapping

from scenarios.replay.exchange.answer import SSE_HEADERS, Answer
from scenarios.replay.faults import Fault
from scenarios.replay.http_server.connection import JSON_CONTENT_TYPE, Connection
from scenarios.replay.openai_api.errors import error_body

NO_REPLY_FAULTS = ("rate_limited", "unavailable", "hangs", "drops")
"""Faults that replace the reply: `send_failure`."""
DELAY_FAULTS = ("slow", "waits")
"""Faults that delay the reply: `delay_reply`."""
DAMAGE_FAULTS = ("cut", "malformed")
"""Faults that damage a taped reply: `send_damaged_reply`. Not for forwarded services."""
POLL_INTERVAL_S = 0.02
"""How often a delayed reply checks the calls of other lanes."""


class FaultSchedule:
    """The faults of a run: which have occurred, and which lanes are rate-limited until when."""

    def __init__(self, faults: Iterable[Fault], forwarded_lanes: Iterable[str] = ()) -> None:
        """Raises `ValueError` for a fault that cannot apply to a forwarded lane."""
        self._faults = tuple(faults)
        for fault in self._faults:
            if fault.name in DAMAGE_FAULTS and fault.lane in forwarded_lanes:
                raise ValueError(f"{fault}: this fault can only damage replies from a tape")
        self.rewind()

    def rewind(self) -> None:
        """Forget which faults have occurred."""
        self._fired: set[Fault] = set()
        self._rate_limits: dict[str, tuple[float, Fault]] = {}

    def fault_for_call(self, lane: str, call: int, *, streamed: bool) -> Fault | None:
        """Return the fault at this call, if any, and mark it as occurred."""
        now_s = time.monotonic()
        if fault := next((f for f in self._faults if f.applies_to(lane, call)), None):
            if fault.name == "cut" and not streamed:
                return None
            self._fired.add(fault)
            if fault.name == "rate_limited":
                self._rate_limits[lane] = (now_s + fault.retry_after_s, fault)
            return fault
        until_s, rate_limit = self._rate_limits.get(lane, (now_s, None))
        return rate_limit if now_s < until_s else None

    def remaining_limit_s(self, lane: str) -> float:
        """Return how long the lane's rate limit lasts, in seconds."""
        now_s = time.monotonic()
        until_s, _ = self._rate_limits.get(lane, (now_s, None))
        return max(0.0, until_s - now_s)

    @property
    def unfired(self) -> tuple[Fault, ...]:
        """The faults that have not occurred, in order of declaration."""
        return tuple(fault for fault in self._faults if fault not in self._fired)


async def send_failure(
    connection: Connection, fault: Fault, rate_limit_s: float, close_entry: Callable[..., None]
) -> None:
    """Carry out one of `NO_REPLY_FAULTS`, and log its outcome with `close_entry`."""
    if fault.name == "hangs":
        await connection.wait_until_gone()
        close_entry()
        return
    if fault.name == "drops":
        close_entry()
        await connection.break_connection()
        return
    close_entry(status=fault.status)
    if fault.name == "rate_limited":
        message = f"Rate limit reached: try again in {rate_limit_s:.3f} s."
        body, headers = error_body(message, "rate_limit_exceeded"), _retry_after(rate_limit_s)
    else:
        body, headers = error_body("The server is unable to answer now.", "server_error"), []
    await connection.send_response(fault.status, JSON_CONTENT_TYPE, body, *headers)


async def delay_reply(
    connection: Connection, fault: Fault, calls_by_lane: Mapping[str, int]
) -> bool:
    """Carry out one of `DELAY_FAULTS`. Return False if the client went away meanwhile.

    `calls_by_lane` is the live count of calls, which other requests increase.
    """
    while any(calls_by_lane.get(lane, 0) < calls for lane, calls in fault.until_calls):
        if await connection.wait_until_gone(POLL_INTERVAL_S):
            return False
    return not await connection.wait_until_gone(fault.delay_s)


async def send_damaged_reply(connection: Connection, fault: Fault, answer: Answer) -> None:
    """Carry out one of `DAMAGE_FAULTS`."""
    if answer.frames is None:
        half = answer.body[: len(answer.body) // 2]
        await connection.send_response(answer.status, answer.content_type, half)
        return
    await connection.start_response(answer.status, SSE_HEADERS)
    if fault.name == "malformed":
        first = (answer.frames or [b""])[0]
        await connection.send_part(first[: len(first) // 2] + b"\n\n", more=False)
        return
    for frame in answer.frames[: -answer.closing_frames][: fault.after_frame]:
        await connection.send_part(frame)
    if fault.ends_cleanly:
        await connection.send_part(b"", more=False)
    else:
        await connection.break_connection()


def _retry_after(wait_s: float) -> list[tuple[bytes, bytes]]:
    """Return whole seconds (RFC 9110, 10.2.3) and the milliseconds that OpenAI also sends."""
    return [
        (b"retry-after", b"%d" % math.ceil(wait_s)),
        (b"retry-after-ms", b"%d" % math.ceil(wait_s * 1000)),
    ]
