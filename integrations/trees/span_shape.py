"""A shape: what a span says and how, without any value that it says: two runs have the same one.

Left out, for they say nothing of what happened: what MLflow writes for its own bookkeeping
(`mlflow.*`, but for the model and the format of the messages), times and durations, and ids.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from instrumentation.trace.canonical_json import VOLATILE_ATTRIBUTES, mask_volatile_ids
from instrumentation.trace.outline import CONTROL_CHARACTERS
from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE, Span
from instrumentation.trace.span_tree import KEPT_MLFLOW_ATTRIBUTES
from instrumentation.trace.trace import Trace

UNNAMED = "(nameless)"
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9a-z])(?=[a-f]*\d)[0-9a-f]{12,}")
"""An id in a name, also where an underscore holds it, as in `Crew_<id>.kickoff`."""
TIME_OR_ID_ATTRIBUTE = re.compile(
    r"(^|[._])(ids?|uuid|fingerprint|timestamp|latency|(time|start|end)_(unix_)?(nano|ns))$"
    r"|[a-z]Id$|_(at|ns|seconds)$"
)
LIST_INDEX = re.compile(r"\.\d+(?=\.|$)")
"""Where an instrumentor writes a list flat: `llm.input_messages.0.message.role`."""


@dataclass(frozen=True)
class SpanShape:
    """What a span says and how, with all beneath it. The order of `children` means nothing.

    `attributes` are pairs of a key and the JSON type of its value; "inputs", "outputs", "tokens"
    and "cost" stand among them. Keys of a list that was written flat are one: `messages.#.role`;
    where its values are of several types, these stand together: `number|string`.
    """

    name: str
    type: str
    status: str = "OK"
    attributes: frozenset[tuple[str, str]] = frozenset()
    children: tuple["SpanShape", ...] = ()

    def __iter__(self) -> Iterator["SpanShape"]:
        """This one and all beneath it, a parent before its children."""
        yield self
        for child in self.children:
            yield from child


def trace_shapes(trace: Trace) -> tuple[SpanShape, ...]:
    """The shapes of a trace's roots, siblings in an order that chance has no part in."""
    return sort_siblings(map(_span_shape, trace.roots))


def sort_siblings(siblings: Iterable[SpanShape]) -> tuple[SpanShape, ...]:
    """Siblings by all that they are, and those beneath them too: alike ones stand together."""
    sorted_within = (
        SpanShape(
            shape.name, shape.type, shape.status, shape.attributes, sort_siblings(shape.children)
        )
        for shape in siblings
    )
    return tuple(sorted(sorted_within, key=_sort_key))


def _sort_key(shape: SpanShape) -> tuple[Any, ...]:
    told = (shape.name, shape.type, shape.status, sorted(shape.attributes))
    return (*told, tuple(_sort_key(child) for child in shape.children))


def _span_shape(span: Span) -> SpanShape:
    return SpanShape(
        name=" ".join(
            CONTROL_CHARACTERS.sub(" ", ID.sub("<id>", mask_volatile_ids(span.name))).split()
        )
        or UNNAMED,
        type=_to_word(span.type),
        status=_to_word(span.status),
        attributes=frozenset(_attribute_types(span)),
        children=tuple(_span_shape(child) for child in span.children),
    )


def _attribute_types(span: Span) -> Iterator[tuple[str, str]]:
    """Each key that the span says something under, with the types of the values there."""
    types: dict[str, set[str]] = {}
    for key, value in span.attributes.items():
        if _is_stable(key):
            types.setdefault(_normalize_key(key), set()).add(json_type(value))
    own = {"inputs": span.inputs, "outputs": span.outputs, "cost": span.cost_usd}
    own["tokens"] = span.tokens.total or None
    for key, value in own.items():
        if value is not None:
            types[key] = {json_type(value)}
    for key, seen in types.items():
        yield key, "|".join(sorted(seen))


def _is_stable(key: str) -> bool:
    if key.startswith("mlflow."):
        return key in KEPT_MLFLOW_ATTRIBUTES and key != TOKEN_USAGE_ATTRIBUTE
    return not (VOLATILE_ATTRIBUTES.search(key) or TIME_OR_ID_ATTRIBUTE.search(key))


def _normalize_key(key: str) -> str:
    return _to_word(ID.sub("<id>", LIST_INDEX.sub(".#", key)))


def _to_word(text: str) -> str:
    """The text without white space and brackets, for these part the words of a line."""
    return re.sub(r"[\s\[\]]+", "_", CONTROL_CHARACTERS.sub("_", text)) or UNNAMED


def json_type(value: Any) -> str:
    """What JSON calls the type of a value; what it has no name for is an object."""
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
