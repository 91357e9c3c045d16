"""A span tree without values, so that two runs of the same program have equal trees.

Kept are names, types, statuses, and the keys and JSON types of attributes. Left out is everything
that varies or is bookkeeping: `mlflow.*` attributes (but for the model and the message format),
times, durations and ids.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from instrumentation.trace.canonical_json import VOLATILE_ATTRIBUTES, mask_volatile_ids
from instrumentation.trace.outline import CONTROL_CHARACTERS
from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE, Span
from instrumentation.trace.span_tree import KEPT_MLFLOW_ATTRIBUTES
from instrumentation.trace.trace import Trace

UNNAMED = "(nameless)"
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9a-z])(?=[a-f]*\d)[0-9a-f]{12,}")
"""An id in a name, also next to an underscore, as in `Crew_<id>.kickoff`."""
TIME_OR_ID_ATTRIBUTE = re.compile(
    r"(^|[._])(ids?|uuid|fingerprint|timestamp|latency|(time|start|end)_(unix_)?(nano|ns))$"
    r"|[a-z]Id$|_(at|ns|seconds)$"
)
LIST_INDEX = re.compile(r"\.\d+(?=\.|$)")
"""The index in a flattened list, as in `llm.input_messages.0.message.role`."""


@dataclass(frozen=True)
class SpanShape:
    """A span without values, and its children in any order.

    `attributes` are pairs of a key and the JSON type of its value. "inputs", "outputs", "tokens"
    and "cost" are among the keys. The keys of a flattened list are one key, as in
    `messages.#.role`, with the types of all its values, as in `number|string`.
    """

    name: str
    type: str
    status: str = "OK"
    attributes: frozenset[tuple[str, str]] = frozenset()
    children: tuple["SpanShape", ...] = ()

    def __iter__(self) -> Iterator["SpanShape"]:
        """Yield this span and all below it, a parent before its children."""
        yield self
        for child in self.children:
            yield from child


def trace_shapes(trace: Trace) -> tuple[SpanShape, ...]:
    """Return the root spans of a trace as shapes, siblings sorted."""
    return sort_siblings(map(_span_shape, trace.roots))


def sort_siblings(siblings: Iterable[SpanShape]) -> tuple[SpanShape, ...]:
    """Sort siblings on all levels by all that they are, so that equal ones are adjacent."""
    sorted_below = (replace(each, children=sort_siblings(each.children)) for each in siblings)
    return tuple(sorted(sorted_below, key=_sort_key))


def _sort_key(shape: SpanShape) -> tuple[Any, ...]:
    own = (shape.name, shape.type, shape.status, sorted(shape.attributes))
    return (*own, tuple(_sort_key(child) for child in shape.children))


def _span_shape(span: Span) -> SpanShape:
    name = ID.sub("<id>", mask_volatile_ids(span.name))
    return SpanShape(
        name=" ".join(CONTROL_CHARACTERS.sub(" ", name).split()) or UNNAMED,
        type=_to_word(span.type),
        status=_to_word(span.status),
        attributes=frozenset(_attribute_types(span)),
        children=tuple(_span_shape(child) for child in span.children),
    )


def _attribute_types(span: Span) -> Iterator[tuple[str, str]]:
    types: dict[str, set[str]] = {}
    for key, value in span.attributes.items():
        if _is_stable(key):
            types.setdefault(_normalize_key(key), set()).add(json_type(value))
    fields = {
        "inputs": span.inputs,
        "outputs": span.outputs,
        "cost": span.cost_usd,
        "tokens": span.tokens.total or None,
    }
    for key, value in fields.items():
        if value is not None:
            types[key] = {json_type(value)}
    for key, found in types.items():
        yield key, "|".join(sorted(found))


def _is_stable(key: str) -> bool:
    if key.startswith("mlflow."):
        return key in KEPT_MLFLOW_ATTRIBUTES and key != TOKEN_USAGE_ATTRIBUTE
    return not (VOLATILE_ATTRIBUTES.search(key) or TIME_OR_ID_ATTRIBUTE.search(key))


def _normalize_key(key: str) -> str:
    return _to_word(ID.sub("<id>", LIST_INDEX.sub(".#", key)))


def _to_word(text: str) -> str:
    """Replace white space and brackets, which separate the words of a shape's line."""
    return re.sub(r"[\s\[\]]+", "_", CONTROL_CHARACTERS.sub("_", text)) or UNNAMED


def json_type(value: Any) -> str:
    """Return the name of a value's JSON type; "object" if it has none."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case _:
            return "object"
