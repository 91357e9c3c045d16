"""Unused guardrail result: what a guardrail removed from a text is sent to the model after all."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.texts import iter_fields
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "unused guardrail result"
FIX = "Use what the guardrail returns, and nothing but that: `task = redact_input(task)`."
MIN_KEPT_SHARE = 0.5
"""A guardrail's output that keeps a smaller share of its input's words is not an edited text."""


def find_unused_guardrail_results(reading: TraceReading) -> Iterator[Finding]:
    """Yield guardrails that edit a text, if a later prompt has the words that were removed.

    The prompt must lack the words that were put in their place: a text may have them by itself.
    """
    for guardrail in reading.index.guardrails:
        before, after = _words(guardrail.inputs), _words(guardrail.outputs)
        removed, added = before - after, after - before
        if not removed or not added or len(before & after) < MIN_KEPT_SHARE * len(before):
            continue
        for completion in reading.index.completions:
            prompt = set(completion.prompt_text.split())
            is_later = reading.index.is_before(guardrail, completion.span)
            if is_later and removed <= prompt and not added & prompt:
                yield _build_finding(reading, guardrail, completion.span, removed, added)
                break


def _words(value: object) -> set[str]:
    """The words of all texts of a value."""
    texts = (field for _, field in iter_fields(value) if isinstance(field, str))
    return {word for text in texts for word in text.split()}


def _build_finding(
    reading: TraceReading, guardrail: Span, completion: Span, removed: set[str], added: set[str]
) -> Finding:
    turn = reading.index.turn(completion)
    return reading.build_finding(
        MODE,
        guardrail,
        FIX,
        0.9,
        quote(guardrail, " ".join(sorted(added)), "it put this in the place of what it removed"),
        quote(completion, " ".join(sorted(removed)), "the prompt still has what was removed"),
        agent=reading.index.agent(completion),
        starts=[turn] if turn else [],
    )
