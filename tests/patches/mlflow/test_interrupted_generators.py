"""A traced generator is recorded, with an event per item, however it ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import mlflow
import pytest

from instrumentation.trace import Trace, TraceNotFoundError, trace_from_mlflow
from instrumentation.tracing import record_run
from patches.mlflow.spans import interrupted_generators
from patches.patch import Patch
from tests.support.autogen_agents import load_trace
from tests.support.upstream_autolog import upstream_autolog

Consumer = Callable[[Any], Any]


async def read_one_then_close(stream: Any) -> None:
    """Read one item, then close the stream."""
    await anext(stream)
    await stream.aclose()


async def cancel_while_reading(stream: Any) -> None:
    async def read() -> None:
        async for _ in stream:
            pass

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read(), 0.05)


async def read_all(stream: Any) -> None:
    async for _ in stream:
        pass


async def read_until_error(stream: Any) -> None:
    with pytest.raises(ValueError, match="no more words"):
        await read_all(stream)


async def words(*, pause_s: float = 0.0, fails: bool = False) -> AsyncIterator[str]:
    for word in ("one", "two", "three"):
        yield word
        await asyncio.sleep(pause_s)
        if fails:
            raise ValueError("no more words")


async def record_stream(
    consume: Consumer, store: str, *patches: Patch, reducer: Any = "".join, **options: Any
) -> list[Any]:
    """Return the MLflow traces of a traced stream that `consume` reads."""
    with upstream_autolog("autogen", store, *patches), record_run() as run:
        await consume(mlflow.trace(name="words", output_reducer=reducer)(words)(**options))
        return run.traces()


async def load_stream_trace(consume: Consumer, store: str, **options: Any) -> Trace:
    """Return the trace of such a stream, recorded with the patch."""
    stored = await record_stream(consume, store, interrupted_generators.PATCH, **options)
    return trace_from_mlflow(trace.to_dict() for trace in stored)


async def test_an_item_that_cannot_be_serialized_does_not_break_the_stream(store: str) -> None:
    async def pairs() -> AsyncIterator[Any]:
        yield {(1, 2): 3}

    with upstream_autolog("autogen", store, interrupted_generators.PATCH):
        stream = mlflow.trace(name="pairs", output_reducer=len)(pairs)()
        assert [item async for item in stream] == [{(1, 2): 3}]


@pytest.mark.xfail(reason="MLflow never ends its span", strict=True, raises=AssertionError)
async def test_upstream_mlflow_records_a_stream_that_is_closed_early(store: str) -> None:
    assert await record_stream(read_one_then_close, store)


@pytest.mark.xfail(reason="MLflow never ends its span", strict=True, raises=AssertionError)
async def test_upstream_mlflow_records_a_stream_that_is_cancelled(store: str) -> None:
    assert await record_stream(cancel_while_reading, store, pause_s=10.0)


@pytest.mark.xfail(reason="MLflow discards the items", strict=True, raises=AssertionError)
async def test_upstream_mlflow_records_the_items_of_a_stream_that_raises(store: str) -> None:
    (trace,) = await record_stream(read_until_error, store, fails=True)
    assert trace.data.spans[0].outputs == "one"


async def test_the_output_of_an_exhausted_stream_is_its_reduced_items(store: str) -> None:
    span = (await load_stream_trace(read_all, store)).root
    assert (span.name, span.status, span.outputs) == ("words", "OK", "onetwothree")


async def test_each_item_is_an_event_as_in_unpatched_mlflow(store: str) -> None:
    (unpatched,) = await record_stream(read_all, store)
    (patched,) = await record_stream(read_all, store, interrupted_generators.PATCH)
    unpatched_events, patched_events = (
        [(event.name, event.attributes) for event in trace.data.spans[0].events]
        for trace in (unpatched, patched)
    )
    assert unpatched_events == patched_events
    assert [json.loads(chunk["mlflow.chunk.value"]) for _, chunk in patched_events] == [
        "one",
        "two",
        "three",
    ]


async def test_a_stream_that_is_closed_early_is_an_error_with_the_items_so_far(store: str) -> None:
    span = (await load_stream_trace(read_one_then_close, store)).root
    assert (span.status_message, span.outputs) == ("closed by its consumer before the end", "one")


async def test_a_stream_that_is_cancelled_is_an_error_with_the_items_so_far(store: str) -> None:
    span = (await load_stream_trace(cancel_while_reading, store, pause_s=10.0)).root
    assert (span.status, span.status_message, span.outputs) == ("ERROR", "cancelled", "one")


async def test_a_stream_that_raises_is_an_error_with_the_items_so_far(
    store: str,
) -> None:
    span = (await load_stream_trace(read_until_error, store, fails=True)).root
    assert (span.status_message, span.outputs) == ("ValueError: no more words", "one")


async def test_the_span_is_not_current_in_the_consumer(store: str) -> None:
    current = []

    async def read(stream: Any) -> None:
        with mlflow.start_span("consumer"):
            async for _ in stream:
                current.append(mlflow.get_current_active_span().name)

    trace = await load_stream_trace(read, store)
    assert current == ["consumer"] * 3
    assert [child.name for child in trace.root.children] == ["words"]


async def test_a_reducer_that_raises_does_not_break_the_stream(store: str) -> None:
    trace = await load_stream_trace(read_all, store, reducer=lambda items: items[99])
    assert (trace.root.status, trace.root.outputs) == ("OK", ["one", "two", "three"])


async def test_the_generator_is_closed_before_its_span_ends(store: str) -> None:
    async def tidy_words() -> AsyncIterator[str]:
        try:
            yield "one"
        finally:
            with mlflow.start_span("tidy"):
                pass

    with (
        upstream_autolog("autogen", store, interrupted_generators.PATCH),
        record_run() as run,
    ):
        await read_one_then_close(mlflow.trace(tidy_words)())
        trace = load_trace(run)
    assert [child.name for child in trace.root.children] == ["tidy"]


def count(*, fails: bool = False) -> Iterator[int]:
    yield 1
    with mlflow.start_span("inside"):
        pass
    yield 2
    if fails:
        raise ValueError("no more numbers")


def record_generator(consume: Consumer, store: str, **options: Any) -> Trace:
    """Return the trace of a synchronous generator that `consume` reads."""
    with (
        upstream_autolog("autogen", store, interrupted_generators.PATCH),
        record_run() as run,
    ):
        consume(mlflow.trace(count)(**options))
        return load_trace(run)


def test_a_synchronous_generator_is_recorded_with_its_items(store: str) -> None:
    root = record_generator(list, store).root
    assert (root.status, root.outputs) == ("OK", [1, 2])
    assert [child.name for child in root.children] == ["inside"]


def test_a_synchronous_generator_that_is_closed_early_has_the_items_so_far(store: str) -> None:
    def read_one(numbers: Any) -> None:
        assert next(numbers) == 1
        numbers.close()

    root = record_generator(read_one, store).root
    assert (root.status, root.outputs) == ("ERROR", [1])
    assert "closed by its consumer" in root.status_message


def test_a_synchronous_generator_that_raises_has_the_items_so_far(store: str) -> None:
    def read_all(numbers: Any) -> None:
        with pytest.raises(ValueError, match="no more numbers"):
            list(numbers)

    root = record_generator(read_all, store, fails=True).root
    assert (root.status, root.outputs) == ("ERROR", [1, 2])
    assert root.status_message == "ValueError: no more numbers"


async def test_a_stream_that_was_never_started_leaves_no_trace(store: str) -> None:
    with (
        upstream_autolog("autogen", store, interrupted_generators.PATCH),
        record_run() as run,
    ):
        await mlflow.trace(words)().aclose()
        with pytest.raises(TraceNotFoundError):
            load_trace(run)
