"""Record values that cannot be written as JSON, instead of raising into the traced program.

MLflow writes inputs, outputs, attributes and events as JSON when they are set. It raises for a
value that is nested too deep, for an integer with thousands of digits, and whatever an object's
`__repr__`, `model_dump` or `items` raises. With this patch, the rest of such a value is recorded.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import fields, is_dataclass, replace
from functools import partial, wraps
from typing import Any

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block
from patches.support.error_boundaries import call_with_fallback

MAX_DEPTH = 100
"""Deeper parts of a value that cannot be written whole are left out."""
MAX_INTEGER_BITS = 10_000
"""Python refuses to write integers of more than 4,300 digits, which is about 14,300 bits."""
WRITING_METHODS = ("set_inputs", "set_outputs", "set_attribute", "add_event", "record_exception")
LIVE_SPAN = "mlflow.entities.span:LiveSpan"


def _apply() -> AbstractContextManager[None]:
    from mlflow.entities.span import LiveSpan

    writers = {name: _record_what_is_writable(getattr(LiveSpan, name)) for name in WRITING_METHODS}
    writers["add_event"] = _shorten_event(writers["add_event"])
    return replace_for_block(LiveSpan, **writers)


def _record_what_is_writable(method: Callable[..., Any]) -> Callable[..., Any]:
    from mlflow.exceptions import MlflowException

    @wraps(method)
    def record(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except MlflowException:  # the caller's mistake, as in a span event without a name
            raise
        except Exception:  # a user's object may raise anything
            writable = {key: to_writable(value) for key, value in kwargs.items()}
            return method(self, *map(to_writable, args), **writable)

    return record


def _shorten_event(add_event: Callable[..., Any]) -> Callable[..., Any]:
    """Make an event writable now: it is written later, where an error discards the whole span."""
    from mlflow.entities import SpanEvent

    @wraps(add_event)
    def add(self: Any, event: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(event, SpanEvent) and not all(
            isinstance(value, str | float) for value in event.attributes.values()
        ):
            event = to_writable(event)
        return add_event(self, event, *args, **kwargs)

    return add


def to_writable(value: Any, path: tuple[int, ...] = ()) -> Any:
    """Return the value with a description in place of each part that cannot be written as JSON.

    `path` has the ids of the objects that contain it.
    """
    from mlflow.entities import SpanEvent

    kind = type(value).__name__
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        return f"an integer of {value.bit_length()} bits"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if id(value) in path:
        return f"a {kind} that contains itself"
    if len(path) == MAX_DEPTH:
        return f"a {kind}, {MAX_DEPTH} levels deep"
    inside = (*path, id(value))
    if isinstance(value, SpanEvent):
        return replace(value, attributes=to_writable(value.attributes, inside))
    return call_with_fallback(partial(_write_parts, value, inside), lambda _: describe(value))


def _write_parts(value: Any, path: tuple[int, ...]) -> Any:
    from mlflow.tracing.utils import TraceJSONEncoder

    if isinstance(value, dict):
        return {_to_key(key): to_writable(part, path) for key, part in dict.items(value)}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_writable(part, path) for part in value]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name, None) for field in fields(value)}
        return to_writable(parts, path)
    return json.loads(json.dumps(value, cls=TraceJSONEncoder))


def _to_key(key: Any) -> str:
    return call_with_fallback(partial(str, key), lambda _: describe(key))


def describe(value: Any) -> str:
    """Describe a value that cannot be written."""
    return f"an unwritable {type(value).__name__}"


PATCH = Patch(
    name="mlflow.spans.unwritable_values",
    symptom="a traced function raises if its arguments or its result cannot be written as JSON",
    upstream="mlflow.tracing.utils.dump_span_attribute_value (`except (ValueError, TypeError)`)",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="setting an attribute of a span never raises because of its value",
    canary="tests/patches/mlflow/test_unwritable_values.py"
    "::test_upstream_mlflow_records_an_object_without_a_repr",
    apply=_apply,
    wraps={
        f"{LIVE_SPAN}.set_inputs": "self, inputs",
        f"{LIVE_SPAN}.set_outputs": "self, outputs",
        f"{LIVE_SPAN}.set_attribute": "self, key, value",
        f"{LIVE_SPAN}.add_event": "self, event",
        f"{LIVE_SPAN}.record_exception": "self, exception",
    },
)
