"""Invented value: the answer states a figure that is in no tool result and in no input."""

from collections.abc import Iterator, Sequence

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.completions import Completion
from instrumentation.diagnosis.reading.grounding import figures_of, states_any
from instrumentation.diagnosis.reading.texts import plain_text, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.figures import Figure

MODE = "invented values"
FIX = "Refuse an answer whose figures are in no tool result; demand that the model looks them up."

MAX_CALCULATION_STEPS = 3
"""A sum of products takes two steps."""


def find_invented_values(reading: TraceReading) -> Iterator[Finding]:
    """Yield the completion that first states a figure without a source, if the run has sources.

    A workflow without tools answers from the model's memory by design. Numbers in words are mostly
    counts ("asked three times"), so they do not count.
    """
    stated = [one for one in figures_of(reading.index.answer) if any(map(str.isdigit, one.text))]
    unfounded = _without_source(reading, stated)
    by_origin: dict[int, tuple[Completion, list[Figure]]] = {}
    for figure in unfounded:
        origin = _first_statement(reading, figure)
        # The agent could look it up, or another agent of the run did.
        if origin is not None and (origin.tools or reading.index.tool_calls):
            by_origin.setdefault(id(origin), (origin, []))[1].append(figure)
    for origin, figures in by_origin.values():
        yield _build_finding(reading, origin, figures)


def _without_source(reading: TraceReading, stated: Sequence[Figure]) -> list[Figure]:
    """The figures that no source has, and that follow from no others that do.

    A figure that was calculated from an invented one before it is a consequence.
    """
    grounding = reading.grounding
    pending = [
        one for one in stated if not grounding.sources_of(one) and not grounding.is_given(one)
    ]
    for _ in range(MAX_CALCULATION_STEPS):
        founded = [one for one in stated if one not in pending]
        derived = [
            one
            for place, one in enumerate(pending)
            if grounding.is_derived(one, [*founded, *pending[:place]])
        ]
        pending = [one for one in pending if one not in derived]
        if not derived:
            break
    return pending


def _first_statement(reading: TraceReading, figure: Figure) -> Completion | None:
    """The completion that first states a figure; None if a prompt stated it before."""
    for completion in reading.index.completions:
        if any(states_any([figure], message.text) for message in completion.prompt):
            return None
        requests = " ".join(to_json_text(one.arguments) for one in completion.answer.requests)
        if states_any([figure], plain_text(completion.answer.text)) or states_any(
            [figure], requests
        ):
            return completion
    return None


def _build_finding(reading: TraceReading, origin: Completion, figures: list[Figure]) -> Finding:
    turn = reading.index.turn(origin.span)
    calls = reading.index.calls_of(turn)
    values = ", ".join(dict.fromkeys(figure.text for figure in figures))
    called = f"it called {', '.join(call.name for call in calls)}" if calls else "it called no tool"
    return reading.build_finding(
        MODE,
        origin.span,
        FIX,
        0.9 if origin.tools and not calls else 0.7,
        quote(origin.span, origin.answer.text, f"{values} is in no tool result and no input"),
        quote(origin.span, ", ".join(origin.tools) or "no tools", f"{called}, and had these"),
        carries=lambda text: states_any(figures, text),
    )
