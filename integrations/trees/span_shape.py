"""A shape: what a span says and how, without any value that it says: two runs have the same one.

Left out, for they say nothing of what happened: what MLflow writes for its own bookkeeping
(`mlflow.*`, but for the model and the format of the messages), times and durations, and ids.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from instrumentation.trace.canonical_json import VOLATILE_ATTRIBUTES, scrubbed
from instrumentation.trace.outline import CONTROL
from instrumentation.trace.span import TOKENS, Span
from instrumentation.trace.span_tree import KEPT_OF_MLFLOW
from instrumentation.trace.trace import Trace

NAMELESS = "(nameless)"
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9a-z])(?=[a-f]*\d)[0-9a-f]{12,}")
"""An id in a name, also where an underscore holds it, as in `Crew_<id>.kickoff`."""
OF_TIME_OR_ID = re.compile(
    r"(^|[._])(ids?|uuid|fingerprint|timestamp|latency|(time|start|end)_(unix_)?(nano|ns))$"
    r"|[a-z]Id$|_(at|ns|seconds)$"
)
PLACE_IN_A_LIST = re.compile(r"\.\d+(?=\.|$)")
"""Where an instrumentor writes a list flat: `llm.input_messages.0.message.role`."""


@dataclass(frozen=True)
class Shape:
    """What a span says and how, with all beneath it. The order of `children` means nothing.

    `attributes` are pairs of a key and the JSON type of its value; "inputs", "outputs", "tokens"
    and "cost" stand among them. Keys of a list that was written flat are one: `messages.#.role`;
    where its values are of several types, these stand together: `number|string`.
    """

    name: str
    type: str
    status: str = "OK"
    attributes: frozenset[tuple[str, str]] = frozenset()
    children: tuple["Shape", ...] = ()

    def __iter__(self) -> Iterator["Shape"]:
        """This one and all beneath it, a parent before its children."""
        yield self
        for child in self.children:
            yield from child


def shaped(trace: Trace) -> tuple[Shape, ...]:
    """The shapes of a trace's roots, siblings in an order that chance has no part in."""
    return in_order(map(_shape, trace.roots))


def in_order(siblings: Iterable[Shape]) -> tuple[Shape, ...]:
    """Siblings by all that they are, and those beneath them too: alike ones stand together."""
    sorted_within = (
        Shape(shape.name, shape.type, shape.status, shape.attributes, in_order(shape.children))
        for shape in siblings
    )
    return tuple(sorted(sorted_within, key=_place))


def _place(shape: Shape) -> tuple[Any, ...]:
    told = (shape.name, shape.type, shape.status, sorted(shape.attributes))
    return (*told, tuple(_place(child) for child in shape.children))


def _shape(span: Span) -> Shape:
    return Shape(
        name=" ".join(CONTROL.sub(" ", ID.sub("<id>", scrubbed(span.name))).split()) or NAMELESS,
        type=_word(span.type),
        status=_word(span.status),
        attributes=frozenset(_told(span)),
        children=tuple(_shape(child) for child in span.children),
    )


def _told(span: Span) -> Iterator[tuple[str, str]]:
    """Each key that the span says something under, with the types of the values there."""
    types: dict[str, set[str]] = {}
    for key, value in span.attributes.items():
        if _says_what_happened(key):
            types.setdefault(_key(key), set()).add(json_type(value))
    own = {"inputs": span.inputs, "outputs": span.outputs, "cost": span.cost_usd}
    own["tokens"] = span.tokens.total or None
    for key, value in own.items():
        if value is not None:
            types[key] = {json_type(value)}
    for key, seen in types.items():
        yield key, "|".join(sorted(seen))


def _says_what_happened(key: str) -> bool:
    if key.startswith("mlflow."):
        return key in KEPT_OF_MLFLOW and key != TOKENS
    return not (VOLATILE_ATTRIBUTES.search(key) or OF_TIME_OR_ID.search(key))


def _key(key: str) -> str:
    return _word(ID.sub("<id>", PLACE_IN_A_LIST.sub(".#", key)))


def _word(text: str) -> str:
    """The text without white space and brackets, for these part the words of a line."""
    return re.sub(r"[\s\[\]]+", "_", CONTROL.sub("_", text)) or NAMELESS


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
