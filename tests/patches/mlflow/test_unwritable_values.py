"""A traced program never fails because a value cannot be written into a span."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import mlflow
import pytest
from pydantic import BaseModel

from instrumentation.tracing import enable_tracing, record_run
from tests.support.upstream_autolog import upstream_autolog


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Undumpable(BaseModel):
    def model_dump(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no dump")


class Unlistable(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("no items")


@dataclass
class Holder:
    name: str
    value: Any


def nested(depth: int) -> Any:
    value: Any = "core"
    for _ in range(depth):
        value = [value]
    return value


def cyclic_conversation() -> Any:
    content: list[Any] = []
    content.append(content)
    return {"messages": [{"role": "user", "content": content}]}


VALUES: dict[str, tuple[Any, Any]] = {
    "object": (["a", Unprintable()], ["a", "an unwritable Unprintable"]),
    "dataclass": (
        Holder("a", Unprintable()),
        {"name": "a", "value": "an unwritable Unprintable"},
    ),
    "key": ({"a": 1, Unprintable(): 2}, {"a": 1, "an unwritable Unprintable": 2}),
    "model": ({"a": 1, "b": Undumpable()}, {"a": 1, "b": "an unwritable Undumpable"}),
    "mapping": (Unlistable(a=1), {"a": 1}),
    "integer": ({"a": 1, "b": 10**5000}, {"a": 1, "b": "an integer of 16610 bits"}),
    "cycle": (
        cyclic_conversation(),
        {"messages": [{"role": "user", "content": ["a list that contains itself"]}]},
    ),
    "error": ([UnprintableError()], ["an unwritable UnprintableError"]),
}


@pytest.fixture
def _tracing(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=[]):
        yield


@pytest.mark.usefixtures("_tracing")
@pytest.mark.parametrize("kind", VALUES)
def test_the_writable_parts_of_a_value_are_recorded(kind: str) -> None:
    value, written = VALUES[kind]
    with record_run() as run, mlflow.start_span("work", attributes={"key": value}) as span:
        span.set_inputs(value)
        span.set_outputs(value)
        span.add_event(mlflow.entities.SpanEvent("event", attributes={"key": value}))
    ((stored,),) = (trace.data.spans for trace in run.traces())
    assert (stored.inputs, stored.outputs) == (written, written)


@pytest.mark.usefixtures("_tracing")
def test_a_value_that_is_nested_too_deep_is_cut_off() -> None:
    with record_run() as run, mlflow.start_span("work") as span:
        span.set_inputs(nested(5_000))
    ((stored,),) = (trace.data.spans for trace in run.traces())
    assert "a list, 100 levels deep" in str(stored.inputs)


@pytest.mark.usefixtures("_tracing")
def test_the_programs_own_error_is_raised_even_if_it_has_no_text() -> None:
    with record_run() as run, pytest.raises(UnprintableError), mlflow.start_span("work"):
        raise UnprintableError
    ((stored,),) = (trace.data.spans for trace in run.traces())
    assert stored.status.status_code == "ERROR"


@pytest.mark.xfail(reason="the object's own error is raised", raises=AssertionError)
def test_upstream_mlflow_records_an_object_without_a_repr(store: str) -> None:
    with upstream_autolog("openai", store), mlflow.start_span("work") as span:
        error = None
        try:
            span.set_inputs(Unprintable())
        except RuntimeError as raised:
            error = raised
        assert error is None
