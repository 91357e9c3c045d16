"""Find the distinct prompts and replies of a run, and count those that a span has completely."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from instrumentation.trace.span import Span
from integrations.measures.message_content import reply_attributes
from integrations.measures.text_search import (
    Spellings,
    contains_all,
    count_distinct_matches,
    flatten_strings,
    text_spellings,
    tool_call_texts,
)
from scenarios.replay.ledger import Exchange

JSON_NESTING_LEVELS = 3
"""A text may be recorded as it is, within JSON, or within JSON within JSON."""


def distinct_prompts(exchanges: Iterable[Exchange]) -> list[list[Spellings]]:
    """Return the texts of each distinct prompt. A retry is no new prompt.

    Texts are the contents of all messages, and the names and arguments of the tool calls in them.
    Ids and tool schemas are not part of the prompt.
    """
    prompts = {
        (each.lane, orjson.dumps(each.request, option=orjson.OPT_SORT_KEYS)): _request_texts(
            each.request
        )
        for each in exchanges
    }
    return list(prompts.values())


def count_readable_prompts(prompts: list[list[Spellings]], completions: list[Span]) -> int:
    """Count the prompts that can be read completely, each in a span of its own."""
    recorded = [flatten_strings([span.inputs, dict(span.attributes)]) for span in completions]
    return count_distinct_matches(
        [[contains_all(text, prompt) for text in recorded] for prompt in prompts]
    )


def _request_texts(request: Any) -> list[Spellings]:
    fields = request if isinstance(request, dict) else {}
    messages = fields.get("messages") or fields.get("input") or []
    texts: list[str | Spellings] = (
        [messages]
        if isinstance(messages, str)
        else [text for message in messages for text in _message_texts(message)]
    )
    texts.append(str(fields.get("instructions") or ""))
    spellings = [(text.strip(),) if isinstance(text, str) else text for text in texts]
    return [each for each in spellings if any(each)]


def _message_texts(message: Any) -> Iterator[str | Spellings]:
    """Yield the content of a message, and the tool calls in it."""
    if not isinstance(message, dict):
        yield str(message)
        return
    yield from _content_texts(message.get("content"))
    yield from _content_texts(message.get("output"))
    functions = [call.get("function") or {} for call in message.get("tool_calls") or []]
    functions += [message] if message.get("type") == "function_call" else []
    for function in functions:
        yield from tool_call_texts(function.get("name"), function.get("arguments"))


def _content_texts(content: Any) -> Iterator[str]:
    """Yield the text of a content, or the texts of a list of parts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (
            str(part["text"]) for part in content if isinstance(part, dict) and "text" in part
        )


@dataclass(frozen=True)
class Reply:
    """A reply of the model. Each of `calls` is a tool call: its name and its arguments."""

    lane: str
    text: str
    calls: tuple[tuple[Spellings, ...], ...]

    def is_readable_in(self, recorded: str) -> bool:
        """Whether the text and all calls are recorded.

        A text may mention a tool call. Then the text alone does not count as a record of the call.
        """
        if not contains_all(recorded, [text_spellings(self.text)]):
            return False
        rest = _remove_text(recorded, self.text)
        return all(
            contains_all(rest if contains_all(self.text, call) else recorded, call)
            for call in self.calls
        )


def distinct_replies(answered: Iterable[Exchange]) -> list[Reply]:
    """Return the distinct replies that have any content."""
    replies = (_reply(each) for each in answered)
    return list(dict.fromkeys(reply for reply in replies if reply.text or reply.calls))


def count_readable_replies(replies: list[Reply], completions: list[Span]) -> int:
    """Count the replies that can be read completely, each in a span of its own."""
    recorded = [
        flatten_strings({"outputs": span.outputs, **reply_attributes(span.attributes)})
        for span in completions
    ]
    return count_distinct_matches(
        [[reply.is_readable_in(text) for text in recorded] for reply in replies]
    )


def _reply(exchange: Exchange) -> Reply:
    reply = exchange.reply or {}
    calls = (
        tool_call_texts(call["name"], call["arguments"]) for call in reply.get("tool_calls") or ()
    )
    return Reply(exchange.lane, (reply.get("content") or "").strip(), tuple(map(tuple, calls)))


def _remove_text(recorded: str, text: str) -> str:
    """Remove a text, as it is and in each of its JSON encodings."""
    for _ in range(JSON_NESTING_LEVELS):
        recorded = recorded.replace(text, "")
        text = json.dumps(text, ensure_ascii=False)[1:-1]
    return recorded
