"""Build sorted trees of spans from the flat list of spans that MLflow exports."""

import re
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from instrumentation.trace.formats.exported_span import TraceNotFoundError as TraceNotFoundError
from instrumentation.trace.formats.exported_span import check_exported_span
from instrumentation.trace.formats.json_documents import parse_json
from instrumentation.trace.span import (
    IN_PROGRESS,
    MAX_SPAN_DEPTH,
    TOKEN_USAGE_ATTRIBUTE,
    Span,
    sort_siblings,
)

BASE64_ID = re.compile(r"[A-Za-z0-9+/]{11}=")
"""The eight bytes of a span id in base64."""
KEPT_MLFLOW_ATTRIBUTES = (TOKEN_USAGE_ATTRIBUTE, "mlflow.llm.model", "mlflow.message.format")
"""The `mlflow.*` attributes that the tree keeps; the others are MLflow's bookkeeping."""

MAX_VALUE_DEPTH = 200
"""Inputs, outputs and attributes that are nested deeper stay JSON texts: Python reads, compares and
prints nested values recursively."""
BRACKETS = re.compile(r"[\[\]{}]")
JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')

NAME_ATTRIBUTE = "flight_recorder.span.name"
"""The name in MLflow of a span that was exported under the name that OpenTelemetry gives it."""

COST_ATTRIBUTE = "mlflow.llm.cost"
"""The attribute in which MLflow's store records the cost of a completion, by its price list."""


UNREADABLE_TRACE_ERRORS = (
    TraceNotFoundError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""The errors of reading a trace without spans, or with spans or values of an unexpected shape."""


def build_span_trees(exported_spans: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    """Build the trees that a flat list of spans describes. A span without its parent is a root.

    Args:
        exported_spans: The spans of one trace, as in `mlflow.entities.Trace.to_dict()`.

    Raises:
        TraceNotFoundError: There are no spans, a field of one is not as exported, two share an id,
            one is its own ancestor, or they are nested too deep.
    """
    exported_spans = [
        check_exported_span(span, number) for number, span in enumerate(exported_spans, 1)
    ]
    ids = {span["span_id"] for span in exported_spans}
    names = {span["name"] for span in exported_spans}
    children_of: dict[str | None, list[Mapping[str, Any]]] = {}
    for span in exported_spans:
        parent = span.get("parent_span_id")
        children_of.setdefault(parent if parent in ids else None, []).append(span)
    _require_trees(children_of, exported_spans)

    def build(span: Mapping[str, Any]) -> Span:
        children = sort_siblings(map(build, children_of.get(span["span_id"], ())))
        return _convert_span(span, names, children)

    return sort_siblings(map(build, children_of.get(None, ())))


def _require_trees(
    children_of: Mapping[str | None, Sequence[Mapping[str, Any]]],
    exported_spans: Sequence[Mapping[str, Any]],
) -> None:
    id, uses = Counter(span["span_id"] for span in exported_spans).most_common(1)[0]
    if uses > 1:
        raise TraceNotFoundError(f"{uses} spans of the trace have the same id, {id!r}")
    level, reached = list(children_of.get(None, ())), 0
    for _ in range(MAX_SPAN_DEPTH):
        reached += len(level)
        level = [child for span in level for child in children_of.get(span["span_id"], ())]
    if level:
        raise TraceNotFoundError(
            f"the spans of the trace are nested more than {MAX_SPAN_DEPTH} levels deep"
        )
    if reached < len(exported_spans):
        raise TraceNotFoundError(
            f"{len(exported_spans) - reached} of {len(exported_spans)} spans are their own"
            " ancestors: their parents form a cycle"
        )


def _convert_span(span: Mapping[str, Any], names: set[str], children: tuple[Span, ...]) -> Span:
    attributes = {key: _decode_json(value) for key, value in span["attributes"].items()}
    status = span["status"]
    has_ended = bool(span["end_time_unix_nano"])
    return Span(
        name=str(attributes.get(NAME_ATTRIBUTE) or _strip_number_suffix(span["name"], names)),
        type=_to_text(attributes.get("mlflow.spanType")) or "UNKNOWN",
        status=status["code"].removeprefix("STATUS_CODE_") if has_ended else IN_PROGRESS,
        status_message=_to_text(status.get("message"))
        or ("" if has_ended else "the span never ended"),
        inputs=_decode_contents(attributes.get("mlflow.spanInputs")),
        outputs=_decode_contents(attributes.get("mlflow.spanOutputs")),
        attributes={
            key: value
            for key, value in attributes.items()
            if key != NAME_ATTRIBUTE
            and (not key.startswith("mlflow.") or key in KEPT_MLFLOW_ATTRIBUTES)
        },
        children=children,
        start_ns=span["start_time_unix_nano"],
        end_ns=span["end_time_unix_nano"] or span["start_time_unix_nano"],
        id=_to_hex(span["span_id"]),
        trace_id=_to_text(attributes.get("mlflow.traceRequestId")),
        cost_usd=_cost_usd(attributes.get(COST_ATTRIBUTE)),
    )


def _to_text(value: Any) -> str:
    """The text; another program may have stored a value of any type."""
    return "" if value is None else str(value)


def _cost_usd(cost: Any) -> float | None:
    usd = cost.get("total_cost") if isinstance(cost, Mapping) else None
    return float(usd) if isinstance(usd, int | float) else None


def _strip_number_suffix(name: str, names: set[str]) -> str:
    """Undo the numbering of MLflow before 3.2, which made equal names `create_1`, `create_2`."""
    base = re.sub(r"_\d+$", "", name)
    return base if f"{base}_1" in names and f"{base}_2" in names else name


def _decode_json(value: Any) -> Any:
    """The value that a text encodes; the text itself if it is no JSON, or nested too deep."""
    if not isinstance(value, str) or _depth(value) > MAX_VALUE_DEPTH:
        return value
    try:
        return parse_json(value)
    except ValueError:
        return value


def _decode_contents(value: Any) -> Any:
    """The value that a text in the inputs or outputs encodes, if it is an object, list or text.

    MLflow 3.17 stores such a text as the value that it encodes, MLflow 3.18 as a text.
    """
    is_encoded = isinstance(value, str) and value[:1] in ("{", "[", '"')
    return _decode_json(value) if is_encoded else value


def _depth(text: str) -> int:
    """How deep a JSON text is nested. Brackets inside its strings do not count."""
    if text.count("[") + text.count("{") <= MAX_VALUE_DEPTH:
        return 0
    depth = deepest = 0
    for bracket in BRACKETS.findall(JSON_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _to_hex(span_id: str) -> str:
    """The id as MLflow's API takes it; in exported traces it is in base64."""
    if not BASE64_ID.fullmatch(span_id):
        return span_id
    return b64decode(span_id).hex()
