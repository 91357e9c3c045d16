"""Sampling: the traces that a rule keeps are stored whole, and nothing of the others."""

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

Stored = Callable[[], dict[str, set[str]]]
"""What the store holds: the names of each trace's spans, by the trace's id."""


@contextmanager
def sampled(store: str, sampling: Sampling) -> Generator[Stored]:
    """A block that is sampled; yields what reads the traces that it has stored."""
    before = set(rows(store))
    with enable_tracing(store, experiment=uuid4().hex, sampling=sampling):

        def stored() -> dict[str, set[str]]:
            mlflow.flush_trace_async_logging()
            return {id: names for id, names in rows(store).items() if id not in before}

        yield stored


def rows(store: str) -> dict[str, set[str]]:
    """As the database has them: a trace of which there are only spans, or none, is here too."""
    with sqlite3.connect(store.removeprefix("sqlite:///")) as connection:
        try:
            traces = connection.execute("select request_id from trace_info").fetchall()
            spans = connection.execute("select trace_id, name from spans").fetchall()
        except sqlite3.OperationalError:  # a store that nobody has written to has no tables
            return {}
    found: dict[str, set[str]] = {id: set() for (id,) in traces}
    for id, name in spans:
        found.setdefault(id, set()).add(name)
    return found


def fails() -> None:
    with mlflow.start_span("fails"):
        raise ZeroDivisionError


def works(name: str = "root") -> None:
    with mlflow.start_span(name), mlflow.start_span("child"):
        pass


def test_a_ratio_of_zero_keeps_nothing(store: str) -> None:
    with sampled(store, Sampling(ratio=0)) as stored:
        works()
        assert stored() == {}


def test_a_ratio_of_one_keeps_everything(store: str) -> None:
    with sampled(store, Sampling()) as stored:
        works()
        works()
        assert list(stored().values()) == [{"root", "child"}] * 2


def test_an_error_anywhere_keeps_the_whole_trace(store: str) -> None:
    with sampled(store, Sampling(ratio=0)) as stored:
        with mlflow.start_span("root"):
            works("before")
            with pytest.raises(ZeroDivisionError):
                fails()
            works("after")
        assert list(stored().values()) == [{"root", "before", "child", "fails", "after"}]


def test_errors_need_not_be_kept(store: str) -> None:
    with sampled(store, Sampling(ratio=0, keep_errors=False)) as stored:
        with pytest.raises(ZeroDivisionError):
            fails()
        assert stored() == {}


def test_a_slow_trace_is_kept(store: str) -> None:
    with sampled(store, Sampling(ratio=0, keep_slower_than_s=0.2)) as stored:
        works("quick")
        with mlflow.start_span("slow"):
            time.sleep(0.25)
        assert list(stored().values()) == [{"slow"}]


def test_a_rule_of_ones_own_keeps_a_trace(store: str) -> None:
    def pays(spans: Sequence[ReadableSpan]) -> bool:
        return any(span.name == "pay" for span in spans)

    with sampled(store, Sampling(ratio=0, rules=[pays])) as stored:
        works("look")
        works("pay")
        assert list(stored().values()) == [{"pay", "child"}]


def test_a_rule_that_fails_keeps_the_trace_and_is_told_of_once(
    store: str, caplog: pytest.LogCaptureFixture
) -> None:
    def asks_too_much(spans: Sequence[ReadableSpan]) -> bool:
        raise KeyError

    with sampled(store, Sampling(ratio=0, rules=[asks_too_much])) as stored:
        works()
        works()
        assert len(stored()) == 2
    assert [text for text in caplog.messages if "KeyError" in text] == [
        "A rule of sampling raised KeyError: such traces are kept."
    ]


def test_the_ratio_goes_by_the_traces_id(store: str) -> None:
    sampling = Sampling(ratio=0.5)
    sampler = TraceIdRatioBased(0.5)
    for trace_id in (0, 2**63 - 1, 2**63, 2**64 - 1, 2**127 + 5):
        decision = sampler.should_sample(None, trace_id, "").decision
        assert sampling.is_selected_by_ratio(trace_id) == (decision is Decision.RECORD_AND_SAMPLE)


@pytest.mark.parametrize("ratio", [-0.1, 1.1])
def test_a_ratio_that_is_none_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match=rf"between 0 and 1, and this one is {ratio}"):
        Sampling(ratio=ratio)


def test_a_span_that_outlives_the_root_is_judged_with_it(store: str) -> None:
    with sampled(store, Sampling(ratio=0)) as stored:
        root = mlflow.start_span_no_context("root")
        late = mlflow.start_span_no_context("late", parent_span=root)
        root.end()
        late.record_exception(ValueError())
        late.end()
        assert list(stored().values()) == [{"root", "late"}]


def test_it_is_stored_with_it_where_each_span_is_exported_as_it_leaves(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_USE_BATCH_SPAN_PROCESSOR", "false")
    test_a_span_that_outlives_the_root_is_judged_with_it(store)


def test_a_bridged_span_is_judged_too(store: str) -> None:
    with sampled(store, Sampling(ratio=0)) as stored:
        tracer = get_bridged_tracer_provider().get_tracer("another library")
        with tracer.start_as_current_span("good"):
            pass
        with pytest.raises(ZeroDivisionError), tracer.start_as_current_span("bad"):
            raise ZeroDivisionError
        assert list(stored().values()) == [{"bad"}]


def test_a_services_part_is_kept_for_an_error_in_its_caller(store: str) -> None:
    with sampled(store, Sampling(ratio=0)) as stored:
        with pytest.raises(ZeroDivisionError):
            calls_and_fails()
        assert list(stored().values()) == [{"caller", "served"}]


def calls_and_fails() -> None:
    with mlflow.start_span("caller"):
        headers = get_tracing_context_headers_for_http_request()
        serving = threading.Thread(target=served, args=(headers,))
        serving.start()
        serving.join()
        raise ZeroDivisionError


def served(headers: dict[str, str]) -> None:
    with set_tracing_context_from_http_request_headers(headers), mlflow.start_span("served"):
        pass


def test_mlflow_holds_nothing_of_what_was_dropped(store: str) -> None:
    with sampled(store, Sampling(ratio=0)):
        manager = InMemoryTraceManager.get_instance()
        before = len(manager._traces), len(manager._otel_id_to_mlflow_trace_id)
        for _ in range(20):
            works()
        served({"traceparent": f"00-{uuid4().hex}-{'1' * 16}-01"})
        assert (len(manager._traces), len(manager._otel_id_to_mlflow_trace_id)) == before


def test_what_was_kept_and_dropped_is_counted(store: str) -> None:
    sampling = Sampling(ratio=0)
    with sampled(store, sampling):
        works()
        works()
        with pytest.raises(ZeroDivisionError):
            fails()
    assert (sampling.counts.kept, sampling.counts.dropped) == (1, 2)


def test_what_overflows_is_kept_whole_and_told_of_once(
    store: str, caplog: pytest.LogCaptureFixture
) -> None:
    sampling = Sampling(ratio=0, max_spans=3)
    with sampled(store, sampling) as stored:
        for _ in range(2):
            with mlflow.start_span("root"):
                for number in range(6):
                    works(f"child {number}")
        works("small")
        assert [len(names) for names in stored().values()] == [8, 8]
    assert sampling.counts.undecided == 2
    assert len([text for text in caplog.messages if "wait to be sampled" in text]) == 1


def test_traces_that_never_end_do_not_pile_up(store: str) -> None:
    sampling = Sampling(ratio=0, max_traces=5)
    with sampled(store, sampling):
        held = [mlflow.start_span_no_context("never ends") for _ in range(12)]
        assert sampling.counts.undecided == 7
    for span in held:
        span.end()


def test_what_is_open_when_the_block_ends_is_kept(store: str) -> None:
    with sampled(store, Sampling(ratio=0)) as stored:
        root = mlflow.start_span_no_context("root")
        mlflow.start_span_no_context("child", parent_span=root).end()
    assert list(stored().values()) == [{"child"}]
    root.end()


def test_mlflows_own_ratio_goes_before(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACE_SAMPLING_RATIO", "0")
    with sampled(store, Sampling()) as stored:
        with pytest.raises(ZeroDivisionError):
            fails()
        mlflow.trace(works, sampling_ratio_override=1.0)()
        assert list(stored().values()) == [{"works", "root", "child"}]


@dataclass
class Play:
    """Some traces in the making: their spans end in any order, and begin as long as one is open."""

    open: dict[int, list[LiveSpan]] = field(default_factory=dict)
    begun: Counter[str] = field(default_factory=Counter)
    failed: set[str] = field(default_factory=set)

    def step(self, trace: int, move: int, fails: bool) -> None:
        """Open a span in this trace, beneath any that is open, or end any."""
        spans = self.open.setdefault(trace, [])
        if not spans or move >= 0:
            parent = spans[move % len(spans)] if spans else None
            spans.append(mlflow.start_span_no_context("span", parent_span=parent))
            self.begun[spans[-1].trace_id] += 1
        else:
            self.end(spans.pop(move % len(spans)), fails)

    def end(self, span: LiveSpan, fails: bool = False) -> None:
        span.end(status="ERROR" if fails else "OK")
        self.failed |= {span.trace_id} if fails else set()


MOVES = st.tuples(st.integers(0, 3), st.integers(-6, 5), st.sampled_from([False, False, True]))


def test_of_any_interleaving_the_traces_that_are_kept_are_stored_whole(store: str) -> None:
    sampling = Sampling(ratio=0.4)

    @settings(max_examples=50, deadline=None)
    @given(moves=st.lists(MOVES, min_size=8, max_size=40))
    def check(moves: list[tuple[int, int, bool]]) -> None:
        play = Play()
        for move in moves:
            play.step(*move)
        for spans in play.open.values():
            for span in spans:
                play.end(span)
        mlflow.flush_trace_async_logging()
        kept = {
            id: count
            for id, count in play.begun.items()
            if id in play.failed or sampling.is_selected_by_ratio(int(id.removeprefix("tr-"), 16))
        }
        assert counted(store, play.begun) == kept

    with enable_tracing(store, experiment=uuid4().hex, sampling=sampling):
        check()


def counted(store: str, traces: Iterable[str]) -> dict[str, int]:
    """How many spans the database has of each of these traces, of which it has something."""
    with sqlite3.connect(store.removeprefix("sqlite:///")) as connection:
        found = connection.execute(
            "select request_id, count(span_id) from trace_info left join spans"
            " on trace_id = request_id group by request_id"
        ).fetchall()
        loose = connection.execute(
            "select trace_id, -1 from spans"
            " where trace_id not in (select request_id from trace_info)"
        )
        return {id: count for id, count in [*found, *loose] if id in set(traces)}
