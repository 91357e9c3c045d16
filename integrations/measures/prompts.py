"""A prompt: all that was said in one request, and whether a span lets it be read again."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from instrumentation.trace.span import Span
from integrations.measures.text_search import (
    Spellings,
    contains_all,
    count_distinct_matches,
    flatten_strings,
    tool_call_texts,
)
from scenarios.replay.ledger import Exchange


def distinct_prompts(exchanges: Iterable[Exchange]) -> list[list[Spellings]]:
    """The different prompts that were sent, each as its texts: a retry says nothing new.

    A text is what was said, by whomever, and what a tool was called with. What a model's wire adds,
    as ids and schemas, is no part of it.
    """
    asked = {
        (one.lane, orjson.dumps(one.request, option=orjson.OPT_SORT_KEYS)): _request_texts(
            one.request
        )
        for one in exchanges
    }
    return list(asked.values())


def count_readable_prompts(prompts: list[list[Spellings]], completions: list[Span]) -> int:
    """How many of the prompts can be read whole, each in a completion's span of its own."""
    told = [flatten_strings([span.inputs, dict(span.attributes)]) for span in completions]
    return count_distinct_matches(
        [[contains_all(one, prompt) for one in told] for prompt in prompts]
    )


def _request_texts(request: Any) -> list[Spellings]:
    fields = request if isinstance(request, dict) else {}
    messages = fields.get("messages") or fields.get("input") or []
    spoken = (
        [messages]
        if isinstance(messages, str)
        else [t for one in messages for t in _message_texts(one)]
    )
    texts = [*spoken, str(fields.get("instructions") or "")]
    spelt = [(text.strip(),) if isinstance(text, str) else text for text in texts]
    return [text for text in spelt if any(text)]


def _message_texts(message: Any) -> Iterator[str | Spellings]:
    """What a message says: its content, and the calls in it, by tool and arguments."""
    if not isinstance(message, dict):
        yield str(message)
        return
    yield from _content_texts(message.get("content"))
    yield from _content_texts(message.get("output"))
    functions = [call.get("function") or {} for call in message.get("tool_calls") or []]
    functions += [message] if message.get("type") == "function_call" else []
    for one in functions:
        yield from tool_call_texts(one.get("name"), one.get("arguments"))


def _content_texts(content: Any) -> Iterator[str]:
    """Of a content that is a list of parts, the texts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (
            str(part["text"]) for part in content if isinstance(part, dict) and "text" in part
        )
