"""Polluted shared memory: an agent notes a figure that no tool returned; the answer states it."""

from collections.abc import Iterator
from functools import partial

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.grounding import figures_of, states_any
from instrumentation.diagnosis.reading.lexicon import DOUBT
from instrumentation.diagnosis.reading.texts import to_json_text
from instrumentation.diagnosis.reading.trace_index import TOOL_TYPES, TraceIndex
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.figures import Figure
from instrumentation.trace.span import Span

MODE = "polluted shared memory"
FIX = "Show the source of each note to its readers, and let no note confirm itself."
GROUNDED_ATTRIBUTE = "flight_recorder.state.grounded"


def find_ungrounded_writes(reading: TraceReading) -> Iterator[Finding]:
    """Yield writes of figures that no tool returned, if the answer states them without doubt."""
    index = reading.index
    for write in iter_writes(index):
        if write.attributes.get(GROUNDED_ATTRIBUTE) is True:
            continue
        value = to_json_text(written_value(write))
        unfounded = [one for one in figures_of(value) if not reading.grounding.sources_of(one)]
        stated = [one for one in figures_of(index.answer) if _is_stated(one, unfounded)]
        if not stated:
            continue
        around = (span for span in index.ancestors(write) if span.type in TOOL_TYPES)
        readers = [span for span in index.state_spans if _is_read_of(span, write)]
        root = index.root(write)
        yield reading.build_finding(
            MODE,
            next(around, write),
            FIX,
            0.9,
            quote(write, value, "no tool result states this figure"),
            *(quote(one, one.outputs, "it was read here") for one in readers),
            quote(root, stated[0].sentence or stated[0].text, "the answer states it as a fact"),
            carries=partial(states_any, unfounded),
        )


def _is_stated(figure: Figure, unfounded: list[Figure]) -> bool:
    same = any(figure.covers(one.value) for one in unfounded)
    return same and not DOUBT.search(figure.sentence)


def iter_writes(index: TraceIndex) -> Iterator[Span]:
    """Yield the writes to shared state; a write has the value among its inputs."""
    return (span for span in index.state_spans if is_write(span))


def written_value(write: Span) -> object:
    """The value that a write stored."""
    return write.inputs["value"]


def is_write(span: Span) -> bool:
    """Whether a span of shared state is a write, not a read."""
    return isinstance(span.inputs, dict) and "value" in span.inputs


def _is_read_of(span: Span, write: Span) -> bool:
    names = ("flight_recorder.state.key", "flight_recorder.state.version")
    same = all(span.attributes.get(name) == write.attributes.get(name) for name in names)
    return same and not is_write(span)
