"""Truncated answer: a completion broke off, and its turn passes the text on as if it were whole."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.texts import normalize
from instrumentation.diagnosis.reading.trace_reading import TraceReading

MODE = "no or incomplete verification"
FIX = "Refuse an answer without a finish reason, and one that reached the limit of tokens."
CUT_REASONS = frozenset(("length", "max_tokens", "incomplete", "unknown"))


def find_truncated_answers(reading: TraceReading) -> Iterator[Finding]:
    """Yield completions that ended too early, if the turn passed their text on as its output."""
    for completion in reading.index.completions:
        span, text = completion.span, completion.answer.text
        turn = reading.index.turn(span)
        is_cut = completion.finish_reason in CUT_REASONS or span.failed
        if not is_cut or not text.strip() or turn is None or turn.failed:
            continue
        if normalize(text) not in normalize(reading.flow.output(turn)):
            continue
        reason = span.status_message or f"finish reason {completion.finish_reason}"
        yield reading.build_finding(
            MODE,
            span,
            FIX,
            0.95,
            quote(span, reason, "the completion did not end"),
            quote(span, f"… {text[-80:]}", "its text breaks off here"),
            quote(turn, f"… {reading.flow.output(turn)[-80:]}", "and is passed on as it is"),
        )
