"""End the span of a traced generator that is closed early or cancelled.

MLflow ends the span of a generator that is exhausted or raises an `Exception`. If the consumer
closes the generator early, or it is cancelled, its span never ends and is not stored; if it is the
root span, neither is the trace. If the generator raises, the items so far and the error are lost.
MLflow also never closes the wrapped generator.

Apply this patch before the generator function is decorated.
"""

import inspect
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial, wraps
from typing import Any

from patches.mlflow.spans.unwritable_values import describe
from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block
from patches.support.error_boundaries import call_with_fallback
from patches.support.open_span import OpenSpan
from patches.support.span_lifetime import trace_generator, trace_stream


class GeneratorSpan(OpenSpan):
    """The span of a generator: each item is an event, and the list of items is the output.

    `reducer` turns the list of items into another output.
    """

    def __init__(
        self,
        generator: Any,
        name: str,
        span_type: str,
        inputs: Any,
        attributes: dict[str, Any],
        reducer: Callable[[list[Any]], Any] | None,
    ) -> None:
        super().__init__(generator, name, span_type, inputs, attributes)
        self._items: list[Any] = []
        self._reducer = reducer or list

    def record_item(self, item: Any) -> None:
        from mlflow.entities import SpanEvent
        from mlflow.tracing import constant
        from mlflow.tracing.utils import TraceJSONEncoder

        name = constant.STREAM_CHUNK_EVENT_NAME_FORMAT.format(index=len(self._items))
        self._items.append(item)
        value = call_with_fallback(
            partial(json.dumps, item, cls=TraceJSONEncoder), lambda _: json.dumps(describe(item))
        )
        key = constant.STREAM_CHUNK_EVENT_VALUE_KEY
        self.span.add_event(SpanEvent(name, attributes={key: value}))

    def end(self, error: BaseException | None = None) -> None:
        if not self.is_ended:
            reduce = partial(self._reducer, self._items)
            self.outputs = call_with_fallback(reduce, lambda _: self._items)
        super().end(error)


def _apply() -> AbstractContextManager[None]:
    from mlflow.tracing import fluent

    original = fluent._wrap_generator

    def wrap(
        fn: Callable[..., Any],
        name: str | None = None,
        span_type: str = "UNKNOWN",
        attributes: dict[str, Any] | None = None,
        output_reducer: Callable[[list[Any]], Any] | None = None,
        *other_args: Any,
        **other_kwargs: Any,
    ) -> Callable[..., Any]:
        # Leave options that this patch does not know to MLflow.
        if any((*other_args, *other_kwargs.values())):
            args = (fn, name, span_type, attributes, output_reducer)
            wrapped: Callable[..., Any] = original(*args, *other_args, **other_kwargs)
            return wrapped
        return _wrap_generator(fn, name or fn.__name__, span_type, attributes or {}, output_reducer)

    return replace_for_block(fluent, _wrap_generator=wrap)


def _wrap_generator(
    fn: Callable[..., Any],
    name: str,
    span_type: str,
    attributes: dict[str, Any],
    reducer: Callable[[list[Any]], Any] | None,
) -> Callable[..., Any]:
    from mlflow.tracing.utils import capture_function_input_args

    @wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        inputs = capture_function_input_args(fn, args, kwargs)
        generator = fn(*args, **kwargs)

        def open_span() -> GeneratorSpan:
            return GeneratorSpan(generator, name, span_type, inputs, attributes, reducer)

        trace = trace_stream if inspect.isasyncgenfunction(fn) else trace_generator
        return trace(open_span, generator)

    wrapper.__mlflow_traced__ = True  # type: ignore[attr-defined] # MLflow's marker
    return wrapper


PATCH = Patch(
    name="mlflow.spans.interrupted_generators",
    symptom="the span of a traced generator that is closed early or cancelled is lost",
    upstream="mlflow.tracing.fluent._wrap_generator (`except Exception`, and no `finally`)",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="`@mlflow.trace` records a stream that is closed early, cancelled or broken off",
    canary="tests/patches/mlflow/test_interrupted_generators.py"
    "::test_upstream_mlflow_records_a_stream_that_is_closed_early",
    apply=_apply,
    wraps={
        "mlflow.tracing.fluent:_wrap_generator": "fn, name, span_type, attributes, output_reducer",
        "mlflow.tracing.utils:capture_function_input_args": "func, args, kwargs",
    },
)
