"""Faults that the replay server injects at a given call of a lane: errors, hangs, broken streams.

Calls are counted per lane from 1, and every HTTP attempt counts: a client's retry is the next call.
A fault applies to `times` calls in a row. If a fault prevents a reply from arriving, the reply's
line stays on the tape, so that a retry gets it.

    faults = (rate_limited("summarizer", retry_after_s=0.5), hangs("reviewer", call=2))
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A fault at calls `call` … `call + times - 1` of `lane`; created by the functions below."""

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
        if self.call < 1 or self.times < 1:
            raise ValueError(
                "call and times must be at least 1 (calls are counted from 1):"
                f" call={self.call}, times={self.times}"
            )
        if self.after_frame < 0 or self.retry_after_s < 0 or self.delay_s < 0:
            raise ValueError("after_frame, retry_after_s and delay_s must not be negative")
        if self.status and not 400 <= self.status <= 599:
            raise ValueError(f"a fault's status must be from 400 to 599, not {self.status}")
        if any(lane == self.lane or calls < 1 for lane, calls in self.until_calls):
            raise ValueError(
                "until_calls must name other lanes, and at least one call of each:"
                f" {dict(self.until_calls)}"
            )

    def applies_to(self, lane: str, call: int) -> bool:
        """Return whether the fault occurs at this call."""
        return lane == self.lane and self.call <= call < self.call + self.times

    def __str__(self) -> str:
        last = self.call + self.times - 1
        calls = f"call {self.call}" if self.times == 1 else f"calls {self.call} to {last}"
        return f"{self.name} at {calls} of {self.lane}"


def rate_limited(lane: str, call: int = 1, times: int = 1, retry_after_s: float = 1.0) -> Fault:
    """Status 429 with Retry-After. As with a real limiter, a client that returns too early gets
    429 again.
    """
    return Fault("rate_limited", lane, call, times, status=429, retry_after_s=retry_after_s)


def unavailable(lane: str, call: int = 1, status: int = 503, times: int = 1) -> Fault:
    """A 5xx status with an error body of the API."""
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

    The first frame contains only the role. With `ends_cleanly` the HTTP body ends properly, as from
    a proxy that gives up; otherwise the connection breaks inside the body. Replies that are not
    streamed are not affected.
    """
    return Fault("cut", lane, call, times, after_frame=after_frame, ends_cleanly=ends_cleanly)


def malformed_reply(lane: str, call: int = 1, times: int = 1) -> Fault:
    """Status 200 with JSON that breaks off in the middle; in a stream, one such frame."""
    return Fault("malformed", lane, call, times)


def slow(lane: str, call: int = 1, delay_s: float = 1.0, times: int = 1) -> Fault:
    """The answer is correct and `delay_s` seconds late."""
    return Fault("slow", lane, call, times, delay_s=delay_s)


def waits_for_lanes(
    lane: str, call: int = 1, *, until_calls: Mapping[str, int], delay_s: float = 0.0
) -> Fault:
    """The answer is correct, and is sent once other lanes have made enough calls.

    It forces an order on requests that run in parallel, independent of the machine's load.

    Args:
        lane: The lane that waits.
        call: Its call that waits.
        until_calls: How many calls each of the other lanes must have made.
        delay_s: An additional delay after that.
    """
    return Fault("waits", lane, call, delay_s=delay_s, until_calls=tuple(until_calls.items()))
