"""Concurrent write: an agent overwrites others' values in shared state, without reading them."""

from collections.abc import Iterator, Sequence

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.span_values import as_mapping, as_number
from instrumentation.diagnosis.reading.texts import normalize, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.values.ungrounded_write import is_write, iter_writes, written_value
from instrumentation.trace.span import Span

MODE = "concurrent write"
FIX = (
    "Read a key before writing to it, and refuse a write whose version is stale; or use a key each."
)
KEY_ATTRIBUTE = "flight_recorder.state.key"
VERSION_ATTRIBUTE = "flight_recorder.state.version"


def find_unread_overwrites(reading: TraceReading) -> Iterator[Finding]:
    """Yield the last write to a key that replaced values of other agents without reading them."""
    writes: dict[str, list[Span]] = {}
    for write in iter_writes(reading.index):
        writes.setdefault(str(write.attributes[KEY_ATTRIBUTE]), []).append(write)
    for key, of_key in writes.items():
        of_key.sort(key=lambda write: as_number(write.attributes.get(VERSION_ATTRIBUTE), 0))
        for position in range(len(of_key) - 1, 0, -1):
            lost = _lost_writes(reading, key, of_key[:position], of_key[position])
            if lost:
                yield _build_finding(reading, of_key[position], lost)
                break


def _lost_writes(
    reading: TraceReading, key: str, earlier: Sequence[Span], last: Span
) -> list[Span]:
    """The earlier values by other agents that the last write contains no more."""
    kept = normalize(to_json_text(written_value(last)))
    author = _author(reading, last)
    reads = (
        span
        for span in reading.index.state_spans
        if span.attributes[KEY_ATTRIBUTE] == key
        and not is_write(span)
        and _author(reading, span) == author
    )
    if any(_has_read(reading, read, earlier[-1], last) for read in reads):
        return []
    return [
        write
        for write in earlier
        if _author(reading, write) != author
        and normalize(to_json_text(written_value(write))) not in kept
    ]


def _has_read(reading: TraceReading, read: Span, replaced: Span, last: Span) -> bool:
    """Whether a read saw the value that the last write replaced."""
    index = reading.index
    return index.is_before(read, last) and not index.is_before(read, replaced)


def _author(reading: TraceReading, span: Span) -> object:
    return as_mapping(span.inputs).get("by") or reading.index.agent(span)


def _build_finding(reading: TraceReading, last: Span, lost: Sequence[Span]) -> Finding:
    return reading.build_finding(
        MODE,
        last,
        FIX,
        0.9,
        *(quote(one, written_value(one), "this value was lost") for one in lost),
        quote(last, written_value(last), "this write replaced it unread"),
        starts=_later_readers(reading, last),
    )


def _later_readers(reading: TraceReading, last: Span) -> list[Span]:
    """The turns that read the key after the last write."""
    index = reading.index
    found = (
        index.turn(span)
        for span in index.state_spans
        if span.attributes[KEY_ATTRIBUTE] == last.attributes[KEY_ATTRIBUTE]
        and not is_write(span)
        and index.is_before(last, span)
    )
    return [turn for turn in found if turn is not None and turn is not index.turn(last)]
