"""Read values of spans as a certain type: other programs may have written anything there."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from instrumentation.trace.formats.json_documents import decode_json

EMPTY: Mapping[str, Any] = {}


def as_mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else EMPTY


def as_list(value: Any) -> Sequence[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def iter_records(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield each object in a value, at any depth, that has a text, a number or a flag."""
    pending = [value]
    while pending:
        one = decode_json(pending.pop())
        if isinstance(one, Mapping):
            if any(isinstance(inner, str | int | float) for inner in one.values()):
                yield one
            pending.extend(reversed(list(one.values())))
        elif isinstance(one, list | tuple):
            pending.extend(reversed(one))


def as_number(value: Any, default: float) -> float:
    """The value if it is a finite number or the text of one, else the default.

    MLflow exports all attributes over OTLP as texts.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return default
    return number if math.isfinite(number) else default
