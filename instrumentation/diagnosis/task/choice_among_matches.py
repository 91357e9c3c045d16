"""Clarification not asked: a search finds several records that fit, and an agent acts on one."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.lexicon import CONSEQUENCES
from instrumentation.diagnosis.reading.span_values import iter_records
from instrumentation.diagnosis.reading.texts import (
    content_words,
    iter_fields,
    plain_text,
    to_json_text,
)
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.task.unanswered_question import MODE
from instrumentation.trace.span import Span

FIX = "Let the agent ask which one is meant when a search finds several."
DEFINITE = r"\b(?:my|our|the|this|that|his|her|their)\s+(?:[\w-]+\s+){0,2}"
"""Words by which a request means one thing that it takes for known: my headphones."""
MAX_MATCHES = 20
"""More matches are a list to work through."""


def find_actions_on_one_of_several_matches(reading: TraceReading) -> Iterator[Finding]:
    """Yield calls with consequences for one of several matches, all of which fit the request.

    The request must name one thing ("my order"), and the turn must not name the other matches.
    """
    index = reading.index
    for turn in index.turns:
        actions = [one for one in index.calls_of(turn) if CONSEQUENCES.search(one.name)]
        for action in actions:
            for search in index.calls_of(turn):
                matches = list(iter_records(search.outputs))
                if not index.is_before(search, action) or not 1 < len(matches) <= MAX_MATCHES:
                    continue
                if chosen := _chosen(matches, action):
                    others = [one for one in matches if one is not chosen]
                    if _is_arbitrary(reading, turn, search, chosen, others):
                        yield _build_finding(reading, search, action, others)
                        return


def _chosen(matches: Sequence[Mapping[str, Any]], action: Span) -> Mapping[str, Any] | None:
    """The only match of which a call has a text as an argument."""
    arguments = {value for _, value in iter_fields(action.inputs) if isinstance(value, str)}
    found = [one for one in matches if arguments & set(map(str, one.values()))]
    return found[0] if len(found) == 1 else None


def _is_arbitrary(
    reading: TraceReading,
    turn: Span,
    search: Span,
    chosen: Mapping[str, Any],
    others: Sequence[Mapping[str, Any]],
) -> bool:
    completions = reading.index.completions_of(turn)
    request = completions[0].prompt_text if completions else ""
    queried = [value for _, value in iter_fields(search.inputs) if isinstance(value, str)]
    if not any(re.search(DEFINITE + re.escape(one) + r"\b", request, re.I) for one in queried):
        return False
    own = content_words(to_json_text(dict(chosen))) - content_words(to_json_text(list(others)))
    texts = [one.answer.text for one in completions]
    named = {str(value) for one in others for value in one.values() if isinstance(value, str)}
    is_named = any(value in text for value in named for text in [request, *texts])
    return not own & content_words(request) and not is_named and "?" not in plain_text(texts)


def _build_finding(
    reading: TraceReading, search: Span, action: Span, others: Sequence[Mapping[str, Any]]
) -> Finding:
    return reading.build_finding(
        MODE,
        action,
        FIX,
        0.7,
        quote(search, search.inputs, "this was looked for"),
        quote(search, list(others), "these fit as well"),
        quote(action, action.inputs, "one was taken, and nobody was asked"),
    )
