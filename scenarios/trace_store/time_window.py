"""A moment: from which on traces are looked at, as a person says it."""

import re
from datetime import UTC, datetime, timedelta

RELATIVE_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)")
UNIT_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


class InvalidTimeError(ValueError):
    """Raised when a text names no moment that has been."""


def parse_since(text: str, now: datetime | None = None) -> datetime:
    """The moment that "90s", "30m", "1h", "2d" or "1w" ago was, or that a date or a time names.

    Times are as in ISO 8601; one without a zone is the machine's own. Raises `NoMoment`.
    """
    now = now or datetime.now(UTC)
    try:
        if ago := RELATIVE_TIME.fullmatch(text.strip().lower()):
            return now - timedelta(seconds=float(ago[1]) * UNIT_SECONDS[ago[2]])
        said = datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidTimeError(
            f"{text!r} names no moment; as in 30m, 1h, 2d, 2026-11-21 or 2026-11-21T10:00"
        ) from error
    if said > now:
        raise InvalidTimeError(f"{text!r} is still to come")
    return said


def epoch_ms(moment: datetime) -> int:
    """The moment in milliseconds since the epoch, as MLflow counts."""
    return int(moment.timestamp() * 1000)
