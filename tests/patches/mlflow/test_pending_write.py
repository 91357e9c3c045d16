"""A write is split without losing spans, and without cutting a trace that fits."""

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from patches.mlflow.export_queue.pending_write import PendingWrite


@dataclass(frozen=True)
class Span:
    """A span, as far as a write looks at it."""

    trace_id: str
    number: int


def write_of(spans: list[Span]) -> PendingWrite:
    ids = frozenset(span.trace_id for span in spans)
    return PendingWrite(lambda *_: None, None, ("1", spans), ids, tuple(spans))


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=30), st.integers(1, 12))
def test_a_write_is_split_between_traces(trace_ids: list[str], max_spans: int) -> None:
    spans = [Span(trace_id, number) for number, trace_id in enumerate(trace_ids)]
    writes = write_of(spans).split(max_spans)
    written = [span for write in writes for span in write.spans]
    assert sorted(written, key=lambda span: span.number) == spans
    assert all(1 <= len(write.spans) <= max_spans for write in writes)
    assert all(write.arguments == ("1", list(write.spans)) for write in writes)
    in_writes = Counter(trace_id for write in writes for trace_id in write.trace_ids)
    sizes = Counter(trace_ids)
    assert all(in_writes[each] == 1 for each in sizes if sizes[each] <= max_spans)


def test_a_finished_trace_is_one_write() -> None:
    trace = PendingWrite(lambda *_: None, None, ("info",), frozenset("a"))
    assert trace.split(5) == [trace]
