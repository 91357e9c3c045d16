"""A fault: what the wire does wrong at a named call of a named lane.

Calls are counted in the lane from 1, and every HTTP attempt counts: a client's retry is the next
call. A fault strikes `times` calls in a row. A reply that a fault kept from arriving does not use
up its line of the tape: a retry gets it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """Strikes calls `call` … `call + times - 1` of `lane`; made by the functions below."""

    name: str
    lane: str
    call: int = 1
    times: int = 1
    status: int = 0
    retry_after_s: float = 0.0
    after_frame: int = 0
    ends_cleanly: bool = False
    delay_s: float = 0.0
    until_calls: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if self.after_frame < 0 or self.retry_after_s < 0 or self.delay_s < 0:
            raise ValueError("a fault comes neither before the first frame nor before its time")
        if self.status and self.status < 400:
            raise ValueError(f"status {self.status} is no failure: 400 or more")
        if any(lane == self.lane or calls < 1 for lane, calls in self.until_calls):
            raise ValueError(
                f"a reply is held until other lanes have asked: {dict(self.until_calls)}"
            )
        if self.call < 1 or self.times < 1:
            raise ValueError(
                f"calls are counted from 1 and a fault strikes at least once: call={self.call}, "
                f"times={self.times}"
            )

    def applies_to(self, lane: str, call: int) -> bool:
        return lane == self.lane and self.call <= call < self.call + self.times

    def __str__(self) -> str:
        last = self.call + self.times - 1
        calls = f"call {self.call}" if self.times == 1 else f"calls {self.call} to {last}"
        return f"{self.name} at {calls} of {self.lane}"


def rate_limited(lane: str, call: int = 1, times: int = 1, retry_after_s: float = 1.0) -> Fault:
    """429 with Retry-After. Whoever comes back sooner gets 429 again, as a real limiter has it."""
    return Fault("rate_limited", lane, call, times, status=429, retry_after_s=retry_after_s)


def unavailable(lane: str, call: int = 1, status: int = 503, times: int = 1) -> Fault:
    """A 5xx status with the API's error body."""
    return Fault("unavailable", lane, call, times, status=status)


def hangs(lane: str, call: int = 1, times: int = 1) -> Fault:
    """The request is accepted and never answered."""
    return Fault("hangs", lane, call, times)


def drops_connection(lane: str, call: int = 1, times: int = 1) -> Fault:
    """The TCP connection is closed without an answer."""
    return Fault("drops", lane, call, times)


def cuts_stream(
    lane: str, call: int = 1, after_frame: int = 1, ends_cleanly: bool = False, times: int = 1
) -> Fault:
    """A stream ends after `after_frame` frames, without finish reason or [DONE].

    The first frame carries the role only. Clean, the HTTP body ends properly, as a proxy that
    gives up ends it; else the connection breaks inside the body. It strikes streamed replies only.
    """
    return Fault("cut", lane, call, times, after_frame=after_frame, ends_cleanly=ends_cleanly)


def malformed_reply(lane: str, call: int = 1, times: int = 1) -> Fault:
    """Status 200 and JSON that breaks off in the middle; streamed, a frame that does."""
    return Fault("malformed", lane, call, times)


def slow(lane: str, call: int = 1, delay_s: float = 1.0, times: int = 1) -> Fault:
    """The answer is right, and comes `delay_s` seconds late."""
    return Fault("slow", lane, call, times, delay_s=delay_s)


def waits_for_lanes(
    lane: str, call: int = 1, *, until_calls: Mapping[str, int], delay_s: float = 0.0
) -> Fault:
    """The answer is right, and comes when each of these lanes has asked so often, and then so late.

    What runs at once is thereby put in an order, whatever the machine is doing besides.
    """
    return Fault("held", lane, call, delay_s=delay_s, until_calls=tuple(until_calls.items()))


class FaultSchedule:
    """The faults of a run: which have struck, and which lane is being limited until when."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults = tuple(faults)
        self.rewind()

    def rewind(self) -> None:
        self._fired: set[Fault] = set()
        self._rate_limits: dict[str, tuple[float, Fault]] = {}

    def fault_for_call(self, lane: str, call: int, now_s: float, *, streamed: bool) -> Fault | None:
        """The fault that strikes this call, if any; then it counts as having struck."""
        if fault := next((fault for fault in self._faults if fault.applies_to(lane, call)), None):
            if fault.name == "cut" and not streamed:
                return None
            self._fired.add(fault)
            if fault.name == "rate_limited":
                self._rate_limits[lane] = (now_s + fault.retry_after_s, fault)
            return fault
        until_s, limit = self._rate_limits.get(lane, (now_s, None))
        return limit if now_s < until_s else None

    def remaining_limit_s(self, lane: str, now_s: float) -> float:
        """How long the lane's limit still holds, in seconds."""
        until_s, _ = self._rate_limits.get(lane, (now_s, None))
        return max(0.0, until_s - now_s)

    @property
    def unfired(self) -> tuple[Fault, ...]:
        """The faults that never struck, in the order in which they were declared."""
        return tuple(fault for fault in self._faults if fault not in self._fired)
