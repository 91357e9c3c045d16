"""A reading: a value that was measured of one span, and the words that tell it."""

from dataclasses import dataclass

from instrumentation.trace.span import Span


@dataclass(frozen=True)
class Reading:
    """`value` is in the unit that the name of the measure says; `says` leaves the threshold out."""

    value: float
    span: Span
    agent: str | None
    message: str
