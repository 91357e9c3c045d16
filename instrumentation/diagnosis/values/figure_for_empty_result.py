"""Hallucination after an empty tool result: the answer has a figure for a query without results."""

import re
from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.grounding import figures_of, iter_sources
from instrumentation.diagnosis.reading.lexicon import MISSING
from instrumentation.diagnosis.reading.texts import is_empty, iter_fields, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "hallucination after an empty tool result"
FIX = "Let the tool say that there is no data, in words, instead of returning an empty result."
CLAUSE = re.compile(r"[^;\n]+?(?=[.!?;](?:\s|$)|\n|$|\b(?:and|but|while|whereas)\b)", re.I)


def find_figures_for_empty_results(reading: TraceReading) -> Iterator[Finding]:
    """Yield empty results for whose query the answer nevertheless states a figure."""
    calls: dict[str, list[Span]] = {}
    for call in iter_sources(reading.index):
        calls.setdefault(call.name, []).append(call)
    clauses = [match.group().strip() for match in CLAUSE.finditer(reading.index.answer)]
    for same_tool in calls.values():
        answered = [call for call in same_tool if not call.failed]
        empty = [call for call in answered if is_empty(call.outputs)]
        known = {
            value
            for call in answered
            if not is_empty(call.outputs)
            for value in _queried_values(call)
        }
        for call in empty:
            queried = _queried_values(call) - known
            for clause in clauses:
                value = _stated_value(clause, queried)
                if value is not None and not MISSING.search(clause):
                    yield _build_finding(reading, call, value, clause)
                    break


def _queried_values(call: Span) -> set[str]:
    """The words and numbers that a call asked for, each of them one argument."""
    values = (str(value) for _, value in iter_fields(call.inputs) if value is not None)
    return {value for value in values if re.fullmatch(r"[\w.-]{2,}", value)}


def _stated_value(clause: str, queried: set[str]) -> str | None:
    """The queried value for which a clause states a figure."""
    if not figures_of(clause):
        return None
    found = (value for value in queried if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", clause))
    return next(found, None)


def _build_finding(reading: TraceReading, call: Span, value: str, clause: str) -> Finding:
    def carries(text: str) -> bool:
        clauses = (match.group() for match in CLAUSE.finditer(text))
        return any(
            _stated_value(one, {value}) is not None and not MISSING.search(one) for one in clauses
        )

    root = reading.index.root(call)
    return reading.build_finding(
        MODE,
        call,
        FIX,
        0.9,
        quote(call, call.inputs, "this was asked"),
        quote(call, to_json_text(call.outputs) or "nothing", "the result is empty"),
        quote(root, clause, f"yet the answer states a figure for {value}"),
        carries=carries,
    )
