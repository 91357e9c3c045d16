"""A spelling: the keys of a JSON object and the types of their values, as a tape may have them."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any


class LineError(Exception):
    """Raised when a line of a tape can't be played; says why, not where."""


def only(spelt: Mapping[str, Any], keys: tuple[str, ...], what: str) -> None:
    for key in spelt:
        if key not in keys:
            raise LineError(f"unknown {what} {key!r}{nearest(key, keys)}")


def typed(spelt: Mapping[str, Any], types: Mapping[str, type]) -> None:
    for key, type_ in types.items():
        if key in spelt and not isinstance(spelt[key], type_):
            expected = "a string" if type_ is str else "an object"
            raise LineError(f"{key!r} is {expected}, this is {kind(spelt[key])}")


def nearest(word: str, words: tuple[str, ...]) -> str:
    close = get_close_matches(word, words, 1)
    return f"; nearest: {close[0]!r}" if close else f"; known: {', '.join(words)}" if words else ""


def kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")
