"""A spelling: the keys of a JSON object and the types of their values, as a tape may have them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

import orjson

COMPARED = 1000
"""With how many words one that is unknown is compared, and how many of them are named."""
NAMED = 12


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


def once(spelt: Any, raw: bytes) -> None:
    """LineError if an object in `raw`, which spells `spelt`, has a key twice: one would be lost."""
    # Only then does it hold more quotes than its values do, and it is slow to be told the key.
    if raw.count(b'"') > orjson.dumps(spelt).count(b'"'):
        json.loads(raw, object_pairs_hook=_each_once)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, times in Counter(key for key, _ in pairs).items():
        if times > 1:
            raise LineError(f"the key {key!r} is given {times} times")
    return dict(pairs)


def nearest(word: str, words: tuple[str, ...]) -> str:
    found = close(word, words)
    return f"; nearest: {found!r}" if found else f"; known: {listed(words)}" if words else ""


def close(word: str, words: Iterable[str]) -> str | None:
    """The one of the first `COMPARED` words that reads most alike; None if none does."""
    return next(iter(get_close_matches(word, list(islice(words, COMPARED)), 1)), None)


def listed(words: tuple[str, ...]) -> str:
    """The words with commas between them; of many the first `NAMED`, and how many there are."""
    more = f" … ({len(words)} in all)" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + more


def kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")
