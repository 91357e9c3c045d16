"""Withheld caveat: a tool says that a figure is unsure, and an agent passes on the figure alone."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.handoffs.forgotten_prohibition import SENTENCE
from instrumentation.diagnosis.handoffs.lost_result import MODE
from instrumentation.diagnosis.reading.completions import Completion
from instrumentation.diagnosis.reading.grounding import figures_of, states_any
from instrumentation.diagnosis.reading.lexicon import CAVEAT
from instrumentation.diagnosis.reading.texts import plain_text, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.figures import Figure
from instrumentation.trace.span import Span

FIX = "Leave room for a caveat in the form of each result, and demand that it is passed on."


def find_withheld_caveats(reading: TraceReading) -> Iterator[Finding]:
    """Yield completions that drop a tool's caveat, if the answer states the figure without one.

    Any word of doubt counts as a caveat: it may be passed on in other words than the tool's.
    """
    index = reading.index
    if CAVEAT.search(index.answer):
        return
    for call in index.tool_calls:
        turn, caveat = index.turn(call), _caveat(call)
        if turn is None or not caveat or call.failed:
            continue
        figures = figures_of(to_json_text(call.outputs))
        if states_any(figures, index.answer) and states_any(figures, reading.flow.output(turn)):
            dropped = _dropping_completion(reading, turn, call, figures)
            if dropped is not None:
                yield _build_finding(reading, call, caveat, dropped, figures)
                return


def _caveat(call: Span) -> str:
    """The text in a result that says how sure its figures are; "" if there is none."""
    texts = plain_text(call.outputs)
    sentences = (match.group().strip() for match in SENTENCE.finditer(texts))
    return next((one for one in sentences if CAVEAT.search(one)), "")


def _dropping_completion(
    reading: TraceReading, turn: Span, call: Span, figures: tuple[Figure, ...]
) -> Completion | None:
    """The completion that ends the turn, if its output has a figure of the call and no caveat."""
    later = [
        one for one in reading.index.completions_of(turn) if reading.index.is_before(call, one.span)
    ]
    if not later or CAVEAT.search(reading.flow.output(turn)):
        return None
    return later[-1] if states_any(figures, later[-1].answer.text) else None


def _build_finding(
    reading: TraceReading, call: Span, caveat: str, dropped: Completion, figures: tuple[Figure, ...]
) -> Finding:
    root = reading.index.root(call)
    return reading.build_finding(
        MODE,
        dropped.span,
        FIX,
        0.8,
        quote(call, caveat, "the source says this of its figure"),
        quote(dropped.span, dropped.answer.text, "the figure is passed on without it"),
        quote(root, reading.index.answer, "the answer states the figure without reserve"),
        carries=lambda text: states_any(figures, text),
    )
