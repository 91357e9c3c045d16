"""Parse the start of a time window: a duration such as 30m, or a date and time."""

import re
from datetime import UTC, datetime, timedelta

import typer

RELATIVE_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)")
UNIT_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


class InvalidTimeError(typer.BadParameter):
    """The text is neither a duration nor a time in the past."""


def parse_duration(text: str) -> timedelta:
    """The duration that "90s", "30m", "1h", "2d" or "1w" names.

    Raises:
        InvalidTimeError: The text cannot be parsed, or names no time at all.
    """
    named = RELATIVE_TIME.fullmatch(text.strip().lower())
    try:
        duration = timedelta(seconds=float(named[1]) * UNIT_SECONDS[named[2]] if named else 0)
    except OverflowError:
        duration = timedelta()
    if not duration:
        raise InvalidTimeError(f"{text!r} is not a duration; expected e.g. 30s, 5m, 1h, 2d")
    return duration


def parse_since(text: str) -> datetime:
    """The time that "90s", "30m", "1h", "2d" or "1w" ago was, or that an ISO 8601 text names.

    A time without a zone is in the machine's own zone.

    Raises:
        InvalidTimeError: The text cannot be parsed, or names a time in the future.
    """
    now = datetime.now(UTC)
    try:
        if relative := RELATIVE_TIME.fullmatch(text.strip().lower()):
            return now - timedelta(seconds=float(relative[1]) * UNIT_SECONDS[relative[2]])
        time = datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidTimeError(
            f"{text!r} is not a time; expected e.g. 30m, 1h, 2d, 2026-11-21 or 2026-11-21T10:00"
        ) from error
    if time > now:
        raise InvalidTimeError(f"{text!r} is in the future")
    return time


def epoch_ms(time: datetime) -> int:
    """The time in milliseconds since the epoch, MLflow's unit."""
    return int(time.timestamp() * 1000)
