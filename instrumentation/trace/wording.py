"""Words for messages: texts and values cut to a length, and the nearest of the known names."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

MAX_VALUE_CHARS = 60


def truncate(text: str, max_chars: int) -> str:
    """Shorten a text to `max_chars` characters, with an ellipsis."""
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"


def describe_value(value: Any, max_chars: int = MAX_VALUE_CHARS) -> str:
    """The beginning of a value, for an error message."""
    return truncate(repr(value), max_chars)


def suggest(
    name: str,
    known: Iterable[str],
    *,
    otherwise: str = "",
    cutoff: float = 0.6,
    to_text: Callable[[str], str] = str,
) -> str:
    """`; did you mean …?` with the nearest name, or what to say if none is near."""
    nearest = get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {to_text(nearest[0])}?" if nearest else otherwise
