"""Search recorded values for the texts of a message, in any JSON encoding."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from instrumentation.trace.formats.json_documents import parse_json

Spellings = tuple[str, ...]
"""A text, in each of the spellings in which it may be recorded."""


def tool_call_texts(name: object, arguments: object) -> list[Spellings]:
    """Return the texts of a tool call: its name, and all its arguments as one text.

    Arguments are one text because a single value may occur in the tool's result too. Empty
    arguments are no text, and the call's id is not part of it.
    """
    text = str(arguments)
    is_empty = _parse_json(text) in ({}, [])
    return [(str(name),), *([] if is_empty else [text_spellings(text)])]


def text_spellings(text: str) -> Spellings:
    """Return a text as it is and, if it is JSON, the value that a JSON reader makes of it."""
    try:
        value = parse_json(text)
    except ValueError:
        return (text,)
    return (text, value if isinstance(value, str) else _canonical_json(value))


def flatten_strings(value: Any) -> str:
    """Return all strings in a value, the strings of JSON within them, and each object as JSON."""
    return "\n".join(_strings(value))


def contains_all(recorded: str, texts: Iterable[Spellings]) -> bool:
    """Whether each text occurs in one of its spellings."""
    return all(any(spelling in recorded for spelling in spellings) for spellings in texts)


def count_distinct_matches(fits: Sequence[Sequence[bool]]) -> int:
    """Return how many rows can each be assigned a fitting column of their own."""
    if not fits or not fits[0]:
        return 0
    matched = maximum_bipartite_matching(csr_array(np.array(fits)), perm_type="column")
    return int((matched >= 0).sum())


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value, *_strings(_parse_json(value))]
    if isinstance(value, dict):
        nested = (text for item in value.values() for text in _strings(item))
        return [_canonical_json(value), *nested]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _strings(item)]
    return []


def _canonical_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _parse_json(text: str) -> Any:
    """Return the object or list that a text is the JSON of, else None."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return parse_json(text)
    except ValueError:
        return None
