"""A prompt: all that was said in one request, and whether a span lets it be read again."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import orjson
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from instrumentation.span import Span
from scenarios.ledger import Exchange

Text = tuple[str, ...]
"""One, in the spellings that it may be told in."""


def prompts(exchanges: Iterable[Exchange]) -> list[list[Text]]:
    """The different prompts that were sent, each as its texts: a retry says nothing new.

    A text is what was said, by whomever, and what a tool was called with. What a model's wire adds,
    as ids and schemas, is no part of it.
    """
    asked = {
        (one.lane, orjson.dumps(one.request, option=orjson.OPT_SORT_KEYS)): _said(one.request)
        for one in exchanges
    }
    return list(asked.values())


def readable(prompts: list[list[Text]], completions: list[Span]) -> int:
    """How many of the prompts can be read whole, each in a completion's span of its own."""
    told = ["\n".join(_strings([span.inputs, dict(span.attributes)])) for span in completions]
    fits = [[all(_in(text, one) for text in prompt) for one in told] for prompt in prompts]
    if not prompts or not told:
        return 0
    matched = maximum_bipartite_matching(csr_array(np.array(fits)), perm_type="column")
    return int((matched >= 0).sum())


def _in(text: Text, told: str) -> bool:
    return any(spelling in told for spelling in text)


def _said(request: Any) -> list[Text]:
    fields = request if isinstance(request, dict) else {}
    messages = fields.get("messages") or fields.get("input") or []
    spoken = [messages] if isinstance(messages, str) else [t for one in messages for t in _of(one)]
    texts = [*spoken, str(fields.get("instructions") or "")]
    spelt = [(text.strip(),) if isinstance(text, str) else text for text in texts]
    return [text for text in spelt if any(text)]


def _of(message: Any) -> Iterator[str | Text]:
    """What a message says: its content, and the calls in it, by tool and arguments."""
    if not isinstance(message, dict):
        yield str(message)
        return
    yield from _texts(message.get("content"))
    yield from _texts(message.get("output"))
    functions = [call.get("function") or {} for call in message.get("tool_calls") or []]
    functions += [message] if message.get("type") == "function_call" else []
    for one in functions:
        yield str(one.get("name"))
        yield _arguments(str(one.get("arguments")))


def _arguments(text: str) -> Text:
    """All of them at once: each value alone may stand in what the tool answered, too."""
    read = _read(text)
    if read is None:
        return (text,)
    return (text, _object(read)) if read else ()


def _texts(content: Any) -> Iterator[str]:
    """Of a content that is a list of parts, the texts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (
            str(part["text"]) for part in content if isinstance(part, dict) and "text" in part
        )


def _strings(value: Any) -> list[str]:
    """Every string within, one that is JSON opened, too; and every object, spelt one way."""
    if isinstance(value, str):
        return [value, *_strings(_read(value))]
    if isinstance(value, dict):
        return [_object(value), *(text for one in value.values() for text in _strings(one))]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _strings(one)]
    return []


def _object(value: Any) -> str:
    """One spelling of what may be spelt in several."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _read(text: str) -> Any:
    """The object or list that a text spells as JSON; None if it spells none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None
