"""Tail sampling: kept traces are stored completely, and nothing of the others."""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import mlflow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.entities import LiveSpan
from mlflow.tracing import (
    get_tracing_context_headers_for_http_request,
    set_tracing_context_from_http_request_headers,
)
from mlflow.tracing.provider import get_bridged_tracer_provider
from mlflow.tracing.trace_manager import InMemoryTraceManager
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from instrumentation.sampling.sampling import Sampling
from instrumentation.tracing import enable_tracing

ReadStored = Callable[[], dict[str, set[str]]]
"""Reads the span names of each stored trace, by trace id."""


@contextmanager
def sample_traces(store: str, sampling: Sampling) -> Generator[ReadStored]:
    """Record with a sampling; yields a function that reads the traces stored meanwhile."""
    before = set(read_spans(store))
    with enable_tracing(store, experiment=uuid4().hex, sampling=sampling):

        def stored() -> dict[str, set[str]]:
            mlflow.flush_trace_async_logging()
            return {id: names for id, names in read_spans(store).items() if id not in before}

        yield stored


def read_spans(store: str) -> dict[str, set[str]]:
    """Read the database, including traces without spans and spans without a trace."""
    with sqlite3.connect(store.removeprefix("sqlite:///")) as connection:
        try:
            traces = connection.execute("select request_id from trace_info").fetchall()
            spans = connection.execute("select trace_id, name from spans").fetchall()
        except sqlite3.OperationalError:  # an unused store has no tables
            return {}
    found: dict[str, set[str]] = {id: set() for (id,) in traces}
    for id, name in spans:
        found.setdefault(id, set()).add(name)
    return found


def record_failing_span() -> None:
    with mlflow.start_span("fails"):
        raise ZeroDivisionError


def record_trace(name: str = "root") -> None:
    with mlflow.start_span(name), mlflow.start_span("child"):
        pass


def test_a_ratio_of_zero_keeps_nothing(store: str) -> None:
    with sample_traces(store, Sampling(ratio=0)) as stored:
        record_trace()
        assert stored() == {}


def test_a_ratio_of_one_keeps_everything(store: str) -> None:
    with sample_traces(store, Sampling()) as stored:
        record_trace()
        record_trace()
        assert list(stored().values()) == [{"root", "child"}] * 2


def test_an_error_anywhere_keeps_the_whole_trace(store: str) -> None:
    with sample_traces(store, Sampling(ratio=0)) as stored:
        with mlflow.start_span("root"):
            record_trace("before")
            with pytest.raises(ZeroDivisionError):
                record_failing_span()
            record_trace("after")
        assert list(stored().values()) == [{"root", "before", "child", "fails", "after"}]


def test_errors_are_dropped_without_keep_errors(store: str) -> None:
    with sample_traces(store, Sampling(ratio=0, keep_errors=False)) as stored:
        with pytest.raises(ZeroDivisionError):
            record_failing_span()
        assert stored() == {}


def test_a_slow_trace_is_kept(store: str) -> None:
    with sample_traces(store, Sampling(ratio=0, keep_slower_than_s=0.2)) as stored:
        record_trace("quick")
        with mlflow.start_span("slow"):
            time.sleep(0.25)
        assert list(stored().values()) == [{"slow"}]


def test_a_custom_rule_keeps_a_trace(store: str) -> None:
    def is_payment(spans: Sequence[ReadableSpan]) -> bool:
        return any(span.name == "pay" for span in spans)

    with sample_traces(store, Sampling(ratio=0, rules=[is_payment])) as stored:
        record_trace("look")
        record_trace("pay")
        assert list(stored().values()) == [{"pay", "child"}]


def test_a_failing_rule_keeps_the_trace_and_is_logged_once(
    store: str, caplog: pytest.LogCaptureFixture
) -> None:
    def failing_rule(spans: Sequence[ReadableSpan]) -> bool:
        raise KeyError

    with sample_traces(store, Sampling(ratio=0, rules=[failing_rule])) as stored:
        record_trace()
        record_trace()
        assert len(stored()) == 2
    assert [text for text in caplog.messages if "KeyError" in text] == [
        "A sampling rule raised KeyError: such traces are kept."
    ]


def test_the_ratio_is_decided_by_the_trace_id_as_in_opentelemetry(store: str) -> None:
    sampling = Sampling(ratio=0.5)
    sampler = TraceIdRatioBased(0.5)
    for trace_id in (0, 2**63 - 1, 2**63, 2**64 - 1, 2**127 + 5):
        decision = sampler.should_sample(None, trace_id, "").decision
        assert sampling.is_selected_by_ratio(trace_id) == (decision is Decision.RECORD_AND_SAMPLE)


@pytest.mark.parametrize("ratio", [-0.1, 1.1])
def test_a_ratio_outside_0_to_1_is_rejected(ratio: float) -> None:
    with pytest.raises(ValueError, match=rf"between 0 and 1, not {ratio}"):
        Sampling(ratio=ratio)


def test_a_span_that_outlives_the_root_is_decided_with_it(store: str) -> None:
    with sample_traces(store, Sampling(ratio=0)) as stored:
        root = mlflow.start_span_no_context("root")
        late = mlflow.start_span_no_context("late", parent_span=root)
        root.end()
        late.record_exception(ValueError())
        late.end()
        assert list(stored().values()) == [{"root", "late"}]


def test_a_late_span_is_stored_with_the_root_without_batching(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_USE_BATCH_SPAN_PROCESSOR", "false")
    test_a_span_that_outlives_the_root_is_decided_with_it(store)


def test_a_bridged_span_is_sampled(store: str) -> None:
    with sample_traces(store, Sampling(ratio=0)) as stored:
        tracer = get_bridged_tracer_provider().get_tracer("another library")
        with tracer.start_as_current_span("good"):
            pass
        with pytest.raises(ZeroDivisionError), tracer.start_as_current_span("bad"):
            raise ZeroDivisionError
        assert list(stored().values()) == [{"bad"}]


def test_a_services_spans_are_kept_for_an_error_in_its_caller(store: str) -> None:
    with sample_traces(store, Sampling(ratio=0)) as stored:
        with pytest.raises(ZeroDivisionError):
            call_service_and_fail()
        assert list(stored().values()) == [{"caller", "served"}]


def call_service_and_fail() -> None:
    with mlflow.start_span("caller"):
        headers = get_tracing_context_headers_for_http_request()
        serving = threading.Thread(target=serve, args=(headers,))
        serving.start()
        serving.join()
        raise ZeroDivisionError


def serve(headers: dict[str, str]) -> None:
    with set_tracing_context_from_http_request_headers(headers), mlflow.start_span("served"):
        pass


def test_mlflow_keeps_no_dropped_trace_in_memory(store: str) -> None:
    with sample_traces(store, Sampling(ratio=0)):
        manager = InMemoryTraceManager.get_instance()
        before = len(manager._traces), len(manager._otel_id_to_mlflow_trace_id)
        for _ in range(20):
            record_trace()
        serve({"traceparent": f"00-{uuid4().hex}-{'1' * 16}-01"})
        assert (len(manager._traces), len(manager._otel_id_to_mlflow_trace_id)) == before


def test_kept_and_dropped_traces_are_counted(store: str) -> None:
    sampling = Sampling(ratio=0)
    with sample_traces(store, sampling):
        record_trace()
        record_trace()
        with pytest.raises(ZeroDivisionError):
            record_failing_span()
    assert (sampling.counts.kept, sampling.counts.dropped) == (1, 2)


def test_traces_beyond_the_limit_are_kept_and_logged_once(
    store: str, caplog: pytest.LogCaptureFixture
) -> None:
    sampling = Sampling(ratio=0, max_spans=3)
    with sample_traces(store, sampling) as stored:
        for _ in range(2):
            with mlflow.start_span("root"):
                for number in range(6):
                    record_trace(f"child {number}")
        record_trace("small")
        assert [len(names) for names in stored().values()] == [8, 8]
    assert sampling.counts.undecided == 2
    assert len([text for text in caplog.messages if "wait for a sampling decision" in text]) == 1


def test_traces_that_never_end_do_not_accumulate(store: str) -> None:
    sampling = Sampling(ratio=0, max_traces=5)
    with sample_traces(store, sampling):
        open_spans = [mlflow.start_span_no_context("never ends") for _ in range(12)]
        assert sampling.counts.undecided == 7
    for span in open_spans:
        span.end()


def test_traces_that_are_open_at_shutdown_are_kept(store: str) -> None:
    with sample_traces(store, Sampling(ratio=0)) as stored:
        root = mlflow.start_span_no_context("root")
        mlflow.start_span_no_context("child", parent_span=root).end()
    assert list(stored().values()) == [{"root", "child"}]


def test_mlflows_head_sampling_is_applied_first(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACE_SAMPLING_RATIO", "0")
    with sample_traces(store, Sampling()) as stored:
        with pytest.raises(ZeroDivisionError):
            record_failing_span()
        mlflow.trace(record_trace, sampling_ratio_override=1.0)()
        assert list(stored().values()) == [{"record_trace", "root", "child"}]


@dataclass
class RandomSpans:
    """Open traces whose spans start and end in any order."""

    open_spans: dict[int, list[LiveSpan]] = field(default_factory=dict)
    span_counts: Counter[str] = field(default_factory=Counter)
    failed_traces: set[str] = field(default_factory=set)

    def start_or_end_span(self, trace: int, move: int, record_failing_span: bool) -> None:
        """Start a span below any open span of a trace, or end any of them."""
        spans = self.open_spans.setdefault(trace, [])
        if not spans or move >= 0:
            parent = spans[move % len(spans)] if spans else None
            spans.append(mlflow.start_span_no_context("span", parent_span=parent))
            self.span_counts[spans[-1].trace_id] += 1
        else:
            self.end(spans.pop(move % len(spans)), record_failing_span)

    def end(self, span: LiveSpan, record_failing_span: bool = False) -> None:
        span.end(status="ERROR" if record_failing_span else "OK")
        self.failed_traces |= {span.trace_id} if record_failing_span else set()


MOVES = st.tuples(st.integers(0, 3), st.integers(-6, 5), st.sampled_from([False, False, True]))


def test_kept_traces_are_stored_completely_in_any_interleaving(store: str) -> None:
    sampling = Sampling(ratio=0.4)

    @settings(max_examples=50, deadline=None)
    @given(moves=st.lists(MOVES, min_size=8, max_size=40))
    def check(moves: list[tuple[int, int, bool]]) -> None:
        spans_made = RandomSpans()
        for move in moves:
            spans_made.start_or_end_span(*move)
        for spans in spans_made.open_spans.values():
            for span in spans:
                spans_made.end(span)
        mlflow.flush_trace_async_logging()
        kept = {
            id: count
            for id, count in spans_made.span_counts.items()
            if id in spans_made.failed_traces
            or sampling.is_selected_by_ratio(int(id.removeprefix("tr-"), 16))
        }
        assert count_spans(store, spans_made.span_counts) == kept

    with enable_tracing(store, experiment=uuid4().hex, sampling=sampling):
        check()


def count_spans(store: str, traces: Iterable[str]) -> dict[str, int]:
    """Count the spans of those of these traces that are in the database."""
    with sqlite3.connect(store.removeprefix("sqlite:///")) as connection:
        found = connection.execute(
            "select request_id, count(span_id) from trace_info left join spans"
            " on trace_id = request_id group by request_id"
        ).fetchall()
        orphans = connection.execute(
            "select trace_id, -1 from spans"
            " where trace_id not in (select request_id from trace_info)"
        )
        return {id: count for id, count in [*found, *orphans] if id in set(traces)}
