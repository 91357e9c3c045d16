"""Traced streams whose span ends with the truth, however the stream ends.

`@mlflow.trace` ends the span of an async generator that runs out, and of one that raises an
`Exception`. One that its consumer closes, or that is cancelled, leaves its span open for ever: the
span is in no trace, and where it is the root, there is no trace. One that breaks loses what had
come until then, and why it broke. And none closes the generator that it wraps.

Put it on before a generator is decorated, as in a function that decorates one in its body.
"""

import inspect
import json
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from patches.patch import Patch
from patches.support.open_span import OpenSpan, trace_stream


class GeneratorSpan(OpenSpan):
    """The span of an async generator: each item is an event, all of them together the output."""

    def __init__(self, stream: Any, *told: Any, reducer: Callable[[list[Any]], Any] | None) -> None:
        super().__init__(stream, *told)
        self._items: list[Any] = []
        self._reducer = reducer

    def record_item(self, item: Any) -> None:
        from mlflow.entities import SpanEvent
        from mlflow.tracing import constant
        from mlflow.tracing.utils import TraceJSONEncoder

        name = constant.STREAM_CHUNK_EVENT_NAME_FORMAT.format(index=len(self._items))
        self._items.append(item)
        try:
            value = json.dumps(item, cls=TraceJSONEncoder)
        except Exception:  # it is anybody's object, and no recording may break what it records
            value = json.dumps(f"an unwritable {type(item).__name__}")
        key = constant.STREAM_CHUNK_EVENT_VALUE_KEY
        self.span.add_event(SpanEvent(name, attributes={key: value}))

    def end(self, error: BaseException | None = None) -> None:
        if not self.is_ended:
            self.outputs = self._reduce_items()
        super().end(error)

    def _reduce_items(self) -> Any:
        if self._reducer is None:
            return self._items
        try:
            return self._reducer(self._items)
        except Exception:  # it is anybody's function, and no recording may break what it records
            return self._items


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing import fluent

    original = fluent._wrap_generator

    def wrap(
        fn: Callable[..., AsyncIterator[Any]],
        name: str | None = None,
        span_type: str = "UNKNOWN",
        attributes: dict[str, Any] | None = None,
        output_reducer: Callable[[list[Any]], Any] | None = None,
        *rarely: Any,
        **named: Any,
    ) -> Callable[..., Any]:
        if any((*rarely, *named.values())) or not inspect.isasyncgenfunction(fn):
            given = (fn, name, span_type, attributes, output_reducer)
            wrapped: Callable[..., Any] = original(*given, *rarely, **named)
            return wrapped
        return _wrap_generator(fn, name or fn.__name__, span_type, attributes or {}, output_reducer)

    fluent._wrap_generator = wrap
    try:
        yield
    finally:
        fluent._wrap_generator = original


def _wrap_generator(
    fn: Callable[..., AsyncIterator[Any]],
    name: str,
    span_type: str,
    attributes: dict[str, Any],
    reducer: Callable[[list[Any]], Any] | None,
) -> Callable[..., Any]:
    from mlflow.tracing.utils import capture_function_input_args

    @wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        inputs = capture_function_input_args(fn, args, kwargs)
        stream = fn(*args, **kwargs)

        def opened() -> GeneratorSpan:
            return GeneratorSpan(stream, name, span_type, inputs, attributes, reducer=reducer)

        return trace_stream(opened, stream)

    wrapper.__mlflow_traced__ = True  # type: ignore[attr-defined] # as MLflow marks its own
    return wrapper


PATCH = Patch(
    name="traced_streams",
    symptom="the span of a traced async generator that is closed early or cancelled is lost",
    upstream="mlflow.tracing.fluent._wrap_generator (`except Exception`, and no `finally`)",
    versions={"mlflow": ">=3.17"},
    delete_when="`@mlflow.trace` records a stream that is closed early, cancelled or cut",
    canary="tests/patches/mlflow/test_traced_generators.py::test_mlflow_alone_records_a_stream_that_is_closed_early",
    apply=_apply,
)
