"""Build trees of spans from the flat list of spans that MLflow exports."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from instrumentation.trace.sibling_order import sort_siblings
from instrumentation.trace.span import MAX_SPAN_DEPTH, TOKEN_USAGE_ATTRIBUTE, Span

KEPT_MLFLOW_ATTRIBUTES = (TOKEN_USAGE_ATTRIBUTE, "mlflow.llm.model", "mlflow.message.format")
"""The `mlflow.*` attributes that the tree keeps; the others are MLflow's bookkeeping."""

COST_ATTRIBUTE = "mlflow.llm.cost"
"""The attribute in which MLflow's store records the cost of a completion, by its price list."""


class TraceNotFoundError(Exception):
    """There is no readable trace: it is missing, empty, or its spans do not form a tree."""


def build_span_trees(exported_spans: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    """Build the trees that a flat list of spans describes. A span without its parent is a root.

    Args:
        exported_spans: The spans of one trace, as in `mlflow.entities.Trace.to_dict()`.

    Raises:
        TraceNotFoundError: Two spans share an id, a span is its own ancestor, or the spans are
            nested too deep.
    """
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
    id, count = Counter(span["span_id"] for span in exported_spans).most_common(1)[0]
    if count > 1:
        raise TraceNotFoundError(f"{count} spans of the trace have the same id, {id!r}")
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
    return Span(
        name=_strip_number_suffix(span["name"], names),
        type=attributes.get("mlflow.spanType", "UNKNOWN"),
        status=status["code"].removeprefix("STATUS_CODE_"),
        status_message=status.get("message") or "",
        inputs=attributes.get("mlflow.spanInputs"),
        outputs=attributes.get("mlflow.spanOutputs"),
        attributes={
            key: value
            for key, value in attributes.items()
            if not key.startswith("mlflow.") or key in KEPT_MLFLOW_ATTRIBUTES
        },
        children=children,
        start_ns=span["start_time_unix_nano"],
        end_ns=span["end_time_unix_nano"] or span["start_time_unix_nano"],
        cost_usd=_cost_usd(attributes.get(COST_ATTRIBUTE)),
    )


def _cost_usd(cost: Any) -> float | None:
    usd = cost.get("total_cost") if isinstance(cost, Mapping) else None
    return float(usd) if isinstance(usd, int | float) else None


def _strip_number_suffix(name: str, names: set[str]) -> str:
    """Undo the numbering of MLflow before 3.2, which made equal names `create_1`, `create_2`."""
    base = re.sub(r"_\d+$", "", name)
    return base if f"{base}_1" in names and f"{base}_2" in names else name


def _decode_json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value
