"""Check the shape of a JSON value from a tape or a request: keys, types, duplicates, depth."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from scenarios.tape.similarity import suggest_nearest

MAX_DEPTH = 100
"""The maximum nesting of a request or a line. orjson parses 1024 levels, but writes only 254."""


class LineError(Exception):
    """A line of a tape is invalid. The message says why; the caller adds file and line number."""


def reject_unknown_keys(value: Mapping[str, Any], known_keys: tuple[str, ...], label: str) -> None:
    """Raise `LineError` for the first unknown key, with the nearest known one."""
    for key in value:
        if key not in known_keys:
            raise LineError(f"unknown {label} {key!r}{suggest_nearest(key, known_keys)}")


def require_types(value: Mapping[str, Any], types: Mapping[str, type]) -> None:
    """Raise `LineError` for the first key that is present with a value of another type."""
    for key, type_ in types.items():
        if key in value and not isinstance(value[key], type_):
            expected = "a string" if type_ is str else "an object"
            raise LineError(f"{key!r} must be {expected}, not {json_type_name(value[key])}")


def reject_duplicate_keys(value: Any, raw: bytes) -> None:
    """Raise `LineError` if an object in `raw`, the JSON text of `value`, repeats a key."""
    # The text can have more quotes than the value only if a key is repeated or a quote is escaped.
    # The second, slower parser reports every key.
    if raw.count(b'"') > orjson.dumps(value).count(b'"'):
        json.loads(raw, object_pairs_hook=_to_dict)


def _to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            raise LineError(f"duplicate key: {key!r} appears {count} times in one object")
    return dict(pairs)


def exceeds_max_depth(value: Any) -> bool:
    """Return whether lists and objects are nested deeper than `MAX_DEPTH`."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def json_type_name(value: Any) -> str:
    """Return the JSON type of a value, with its article: "an object", "a list", …"""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")
