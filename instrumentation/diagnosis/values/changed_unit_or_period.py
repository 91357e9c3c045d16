"""Tool-output misreading: a figure keeps its digits and changes its unit or its period."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.grounding import SourcedFigure, figures_of
from instrumentation.diagnosis.reading.texts import plain_text, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.figures import Figure
from instrumentation.trace.span import Span

MODE = "tool-output misreading"
FIX = "Let the tool return unit and period beside each value, and check the answer against results."


def find_changed_units_and_periods(reading: TraceReading) -> Iterator[Finding]:
    """Yield the step at which a figure of the answer got another unit or period than its source.

    If the tool's result states neither unit nor frequency, it invites the mistake: then the tool
    call is the origin, else the completion that changed the figure.
    """
    seen: set[int] = set()
    for figure in figures_of(reading.index.answer):
        sources = reading.grounding.sources_of(figure)
        if not sources or any(_agrees(figure, one.figure) for one in sources):
            continue
        if any(
            _agrees(figure, one) and figure.covers(one.value) for one in reading.grounding.given
        ):
            continue
        source = sources[0]
        origin = source.span if _is_bare(source.figure) else _first_change(reading, source)
        if origin is not None and id(origin) not in seen:
            seen.add(id(origin))
            yield _build_finding(reading, origin, figure, source)


def _agrees(figure: Figure, source: Figure) -> bool:
    return figure.same_unit(source) and figure.same_period(source)


def _is_bare(source: Figure) -> bool:
    """Whether a result states neither unit nor frequency, but at most a date."""
    return source.unit is None and (source.period is None or source.is_period_from_date)


def _changes(text: str, source: Figure) -> bool:
    """Whether a text states the value of a source with another unit or period."""
    return any(
        figure.covers(source.value) and not _agrees(figure, source) for figure in figures_of(text)
    )


def _first_change(reading: TraceReading, source: SourcedFigure) -> Span | None:
    for completion in reading.index.completions:
        arguments = [to_json_text(one.arguments) for one in completion.answer.requests]
        texts = (plain_text(completion.answer.text), *arguments)
        if any(_changes(text, source.figure) for text in texts):
            return completion.span
    return None


def _build_finding(
    reading: TraceReading, origin: Span, figure: Figure, source: SourcedFigure
) -> Finding:
    kind, of_source, of_answer = (
        ("unit", source.figure.unit, figure.unit)
        if not figure.same_unit(source.figure)
        else ("period", source.figure.period, figure.period)
    )
    root = reading.index.root(origin)
    return reading.build_finding(
        MODE,
        origin,
        FIX,
        0.8,
        quote(source.span, source.span.outputs, f"the {kind} is {of_source}"),
        quote(root, figure.sentence or figure.text, f"the answer's {kind} is {of_answer}"),
        carries=lambda text: _changes(text, source.figure),
    )
