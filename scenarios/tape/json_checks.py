"""A spelling: the keys of a JSON object and the types of their values, as a tape may have them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

import orjson

MAX_COMPARED_WORDS = 1000
"""With how many words one that is unknown is compared, and how many of them are named."""
MAX_LISTED_WORDS = 12


class LineError(Exception):
    """Raised when a line of a tape can't be played; says why, not where."""


def reject_unknown_keys(value: Mapping[str, Any], known_keys: tuple[str, ...], label: str) -> None:
    for key in value:
        if key not in known_keys:
            raise LineError(f"unknown {label} {key!r}{suggest_nearest(key, known_keys)}")


def require_types(value: Mapping[str, Any], types: Mapping[str, type]) -> None:
    for key, type_ in types.items():
        if key in value and not isinstance(value[key], type_):
            expected = "a string" if type_ is str else "an object"
            raise LineError(f"{key!r} is {expected}, this is {json_type_name(value[key])}")


def reject_duplicate_keys(value: Any, raw: bytes) -> None:
    """LineError if an object in `raw`, which spells `spelt`, has a key twice: one would be lost."""
    # Only then does it hold more quotes than its values do, and it is slow to be told the key.
    if raw.count(b'"') > orjson.dumps(value).count(b'"'):
        json.loads(raw, object_pairs_hook=_to_dict)


def _to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, times in Counter(key for key, _ in pairs).items():
        if times > 1:
            raise LineError(f"the key {key!r} is given {times} times")
    return dict(pairs)


def suggest_nearest(word: str, words: tuple[str, ...]) -> str:
    found = closest_word(word, words)
    return f"; nearest: {found!r}" if found else f"; known: {list_words(words)}" if words else ""


def closest_word(word: str, words: Iterable[str]) -> str | None:
    """The one of the first `COMPARED` words that reads most alike; None if none does."""
    return next(iter(get_close_matches(word, list(islice(words, MAX_COMPARED_WORDS)), 1)), None)


def list_words(words: tuple[str, ...]) -> str:
    """The words with commas between them; of many the first `NAMED`, and how many there are."""
    more = f" … ({len(words)} in all)" if len(words) > MAX_LISTED_WORDS else ""
    return ", ".join(words[:MAX_LISTED_WORDS]) + more


def json_type_name(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")
