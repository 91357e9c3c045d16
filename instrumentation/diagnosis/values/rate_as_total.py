"""Tool-output misreading: an answer states a price per unit as a total, or a total as per unit."""

import re
from collections.abc import Iterator, Mapping

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.grounding import figures_of
from instrumentation.diagnosis.reading.span_values import iter_records
from instrumentation.diagnosis.reading.texts import iter_texts, plain_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.values.changed_unit_or_period import MODE
from instrumentation.figures import Figure
from instrumentation.trace.span import Span

FIX = "Let the tool return total and price per unit as two fields, and name both in the answer."
RATE, TOTAL = "per unit", "of all"
BASES = {
    RATE: re.compile(r"\b(?:per|each|apiece|every)\b(?! cent\b)", re.I),
    TOTAL: re.compile(
        r"\b(?:for (?:both|all|the (?:whole|entire|two|three|four|five|group|family|party|team))"
        r"|in (?:all|total|sum)|altogether)\b",
        re.I,
    ),
}
AFTER_FIGURE = re.compile(r"[^.,:;()\d]{0,40}")
"""The words right after a figure, which say what it is for."""
RATE_FIELD = re.compile(r"(?:.*_)?per(?:_.*)?", re.I)
TOTAL_FIELD = re.compile(r"(?:.*_)?total(?:_.*)?", re.I)


def find_rates_as_totals(reading: TraceReading) -> Iterator[Finding]:
    """Yield the completion that first states a rate as a total, or a total as a rate."""
    for figure in figures_of(reading.index.answer):
        basis = _basis(figure)
        sources = _source_bases(reading, figure) if basis else {}
        if not sources or basis in sources:
            continue
        (true_basis, source), *_ = sources.items()
        yield from _build_finding(reading, figure, str(basis), true_basis, source)
        return


def _build_finding(
    reading: TraceReading, figure: Figure, basis: str, true_basis: str, source: Span
) -> Iterator[Finding]:
    """The finding at the first completion that states the figure on another basis."""
    for completion in reading.index.completions:
        if _states(plain_text(completion.answer.text), figure, basis):
            yield reading.build_finding(
                MODE,
                completion.span,
                FIX,
                0.75,
                quote(source, source.outputs or source.inputs, true_basis),
                quote(completion.span, completion.answer.text, f"this says {basis}"),
                carries=lambda text: _states(text, figure, basis),
            )
            return


def _basis(figure: Figure) -> str | None:
    """Whether the words after a figure say that it is a rate or a total; None if neither."""
    _, _, after = figure.sentence.partition(figure.text)
    words = AFTER_FIGURE.match(after)
    return next((name for name, form in BASES.items() if words and form.search(words[0])), None)


def _states(text: str, figure: Figure, basis: str | None) -> bool:
    return any(one.covers(figure.value) and _basis(one) == basis for one in figures_of(text))


def _source_bases(reading: TraceReading, figure: Figure) -> dict[str, Span]:
    """What tool results, or else the task, say of a figure's value, and where."""
    found: dict[str, Span] = {}
    for source in reading.grounding.sources_of(figure):
        for basis in _bases_in(source.span.outputs, figure):
            found.setdefault(basis, source.span)
    if not found:
        for root in reading.trace.roots:
            for basis in _bases_in(root.inputs, figure):
                found.setdefault(basis, root)
    return found


def _bases_in(value: object, figure: Figure) -> Iterator[str]:
    for text in iter_texts(value):
        same = (one for one in figures_of(text) if figure.covers(one.value))
        yield from filter(None, map(_basis, same))
    for record in iter_records(value):
        if any(str(inner) == str(figure.value.normalize()) for inner in record.values()):
            yield from _basis_of_record(record, figure)


def _basis_of_record(record: Mapping[str, object], figure: Figure) -> Iterator[str]:
    """What the field of a number, or a field `per` beside it, says of it."""
    fields = [name for name, inner in record.items() if str(inner) == str(figure.value.normalize())]
    if "per" in record or any(map(RATE_FIELD.fullmatch, fields)):
        yield RATE
    if any(map(TOTAL_FIELD.fullmatch, fields)):
        yield TOTAL
