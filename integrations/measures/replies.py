"""A reply: what a model said, its text and its calls, and whether a span lets it be read again."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from instrumentation.trace.span import Span
from integrations.conventions.message_content import replied
from integrations.measures.text_search import Text, called, each_in_its_own, in_full, spelt, tells
from scenarios.replay.ledger import Exchange

NESTED = 3
"""In how many ways a text stands in what is told: as it is, in JSON, in JSON within JSON."""


@dataclass(frozen=True)
class Reply:
    """What was said in a lane; `calls` are those of tools, each by its name and its arguments."""

    lane: str
    text: str
    calls: tuple[tuple[Text, ...], ...]

    def read_in(self, told: str) -> bool:
        """Whether all of it is told. A text may speak of a call: that tells the text alone."""
        if not tells(told, [spelt(self.text)]):
            return False
        beside = _without(told, self.text)
        return all(tells(beside if tells(self.text, call) else told, call) for call in self.calls)


def replies(answered: Iterable[Exchange]) -> list[Reply]:
    """The different replies that say something."""
    said = (_reply(one) for one in answered)
    return list(dict.fromkeys(one for one in said if one.text or one.calls))


def readable_replies(replies: list[Reply], completions: list[Span]) -> int:
    """How many of the replies can be read whole, each in a completion's span of its own."""
    told = [in_full({"outputs": span.outputs, **replied(span.attributes)}) for span in completions]
    return each_in_its_own([[reply.read_in(one) for one in told] for reply in replies])


def _reply(exchange: Exchange) -> Reply:
    said = exchange.reply or {}
    calls = (called(one["name"], one["arguments"]) for one in said.get("tool_calls") or ())
    return Reply(exchange.lane, (said.get("content") or "").strip(), tuple(map(tuple, calls)))


def _without(told: str, text: str) -> str:
    """What is told but for the text, as it is, in JSON, and in JSON within JSON."""
    for _ in range(NESTED):
        told = told.replace(text, "")
        text = json.dumps(text, ensure_ascii=False)[1:-1]
    return told
