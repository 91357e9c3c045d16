"""Read the texts in the inputs and outputs of spans, whatever JSON they are wrapped in."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from instrumentation.trace.formats.json_documents import decode_json

LABEL_FIELDS = frozenset(
    ("type", "source", "role", "id", "name", "tool_call_id", "finish_reason", "object", "model")
)
"""Fields of messages that label them, and are no part of their text."""
SENTENCE = re.compile(r"[^\n]+?(?:[.!?;](?=\s)|(?=\n)|$)")
WORD = re.compile(r"\w+")
MIN_SENTENCE_WORDS = 3
"""Shorter sentences are too common to show that one text was made from another."""

SUFFIX = re.compile(r"(?:ing|ed|es|s)$")
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    a about after all also an and any are as at be because been before but by can could did do does
    each for from had has have he her his how i if in into is it its just may me more most must my
    no nor not of on one only or other our out over own shall she should so some such than that
    the their them then there these they this those to too under until up us was we were what
    when where which while who whom whose why will with without would you your""",
    )
)
"""English words that carry little meaning by themselves."""


def to_json_text(value: Any) -> str:
    """A value as text: a text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def plain_text(value: Any) -> str:
    """The texts in a value, one per line, without field names, labels, numbers and flags."""
    return "\n".join(iter_texts(value))


def iter_texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value. A text that is a JSON object or array is read as such."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            decoded = decode_json(one)
            if decoded is one:
                yield one
            else:
                pending.append(decoded)
        elif isinstance(one, Mapping):
            pending.extend(
                inner for key, inner in reversed(list(one.items())) if key not in LABEL_FIELDS
            )
        elif isinstance(one, list | tuple):
            pending.extend(reversed(one))


def iter_fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield each field of a value that is no object or array, with its name, at any depth."""
    pending = [("", value)]
    while pending:
        name, one = pending.pop()
        one = decode_json(one)
        if isinstance(one, Mapping):
            pending.extend((str(key), inner) for key, inner in reversed(list(one.items())))
        elif isinstance(one, list | tuple):
            pending.extend((name, inner) for inner in reversed(one))
        else:
            yield name, one


@lru_cache(maxsize=65_536)
def sentence_keys(text: str) -> frozenset[str]:
    """The sentences of a text, normalized, so that equal sentences are equal keys."""
    keys = (normalize(match.group()) for match in SENTENCE.finditer(text))
    return frozenset(key for key in keys if key.count(" ") >= MIN_SENTENCE_WORDS - 1)


def normalize(text: str) -> str:
    """A text as its words in lower case, separated by spaces."""
    return " ".join(words(text))


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=65_536)
def content_words(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning: no function words, no numbers."""
    found = (word for word in words(text) if word not in FUNCTION_WORDS and word.isalpha())
    return frozenset(SUFFIX.sub("", word) if len(word) > 4 else word for word in found)


def is_empty(value: Any) -> bool:
    """Whether a result contains nothing: no text, no number, and no item in any of its lists."""
    if isinstance(value, str):
        decoded = decode_json(value)
        return not value.strip() if decoded is value else is_empty(decoded)
    if isinstance(value, Mapping):
        return all(is_empty(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return all(is_empty(inner) for inner in value)
    return value is None
