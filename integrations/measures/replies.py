"""A reply: what a model said, its text and its calls, and whether a span lets it be read again."""

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
"""In how many ways a text stands in what is told: as it is, in JSON, in JSON within JSON."""


@dataclass(frozen=True)
class Reply:
    """What was said in a lane; `calls` are those of tools, each by its name and its arguments."""

    lane: str
    text: str
    calls: tuple[tuple[Spellings, ...], ...]

    def is_readable_in(self, text: str) -> bool:
        """Whether all of it is told. A text may speak of a call: that tells the text alone."""
        if not contains_all(text, [text_spellings(self.text)]):
            return False
        beside = _remove_text(text, self.text)
        return all(
            contains_all(beside if contains_all(self.text, call) else text, call)
            for call in self.calls
        )


def distinct_replies(answered: Iterable[Exchange]) -> list[Reply]:
    """The different replies that say something."""
    said = (_reply(one) for one in answered)
    return list(dict.fromkeys(one for one in said if one.text or one.calls))


def count_readable_replies(replies: list[Reply], completions: list[Span]) -> int:
    """How many of the replies can be read whole, each in a completion's span of its own."""
    told = [
        flatten_strings({"outputs": span.outputs, **reply_attributes(span.attributes)})
        for span in completions
    ]
    return count_distinct_matches(
        [[reply.is_readable_in(one) for one in told] for reply in replies]
    )


def _reply(exchange: Exchange) -> Reply:
    said = exchange.reply or {}
    calls = (tool_call_texts(one["name"], one["arguments"]) for one in said.get("tool_calls") or ())
    return Reply(exchange.lane, (said.get("content") or "").strip(), tuple(map(tuple, calls)))


def _remove_text(recorded: str, text: str) -> str:
    """What is told but for the text, as it is, in JSON, and in JSON within JSON."""
    for _ in range(JSON_NESTING_LEVELS):
        recorded = recorded.replace(text, "")
        text = json.dumps(text, ensure_ascii=False)[1:-1]
    return recorded
