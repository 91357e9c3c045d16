"""What was said: the texts of a message, and whether a span tells them, however it spells them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

Spellings = tuple[str, ...]
"""One, in the spellings that it may be told in."""


def tool_call_texts(name: object, arguments: object) -> list[Spellings]:
    """What a call says: which tool, and all the arguments at once, for each value alone may stand
    in what the tool answered, too. Its id is no part of it, and no arguments say nothing."""
    given = str(arguments)
    return [(str(name),), *([] if _parse_json(given) in ({}, []) else [text_spellings(given)])]


def text_spellings(text: str) -> Spellings:
    """A text as it is and, where it is JSON, as the value that a reader of JSON makes of it."""
    try:
        read = json.loads(text)
    except ValueError:
        return (text,)
    return (text, read if isinstance(read, str) else _canonical_json(read))


def flatten_strings(value: Any) -> str:
    """All that a value tells: each string, what is JSON in it, and each object in one spelling."""
    return "\n".join(_strings(value))


def contains_all(recorded: str, texts: Iterable[Spellings]) -> bool:
    """Whether each text is told in one of its spellings."""
    return all(any(spelling in recorded for spelling in text) for text in texts)


def count_distinct_matches(fits: Sequence[Sequence[bool]]) -> int:
    """How many rows can have a column each that fits them, and none of them another's."""
    if not fits or not fits[0]:
        return 0
    matched = maximum_bipartite_matching(csr_array(np.array(fits)), perm_type="column")
    return int((matched >= 0).sum())


def _strings(value: Any) -> list[str]:
    """Every string within, one that is JSON opened, too; and every object, spelt one way."""
    if isinstance(value, str):
        return [value, *_strings(_parse_json(value))]
    if isinstance(value, dict):
        return [_canonical_json(value), *(text for one in value.values() for text in _strings(one))]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _strings(one)]
    return []


def _canonical_json(value: Any) -> str:
    """One spelling of what may be spelt in several."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _parse_json(text: str) -> Any:
    """The object or list that a text spells as JSON; None if it spells none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None
