"""Finds the distinct replies of a run, and counts those that can be read completely in a span."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from instrumentation.trace.span import Span
from integrations.conventions.message_content import reply_attributes
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
