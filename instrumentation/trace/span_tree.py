"""What has grown from a flat list of spans, as MLflow exports it: the trees that it stands for."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from instrumentation.trace.sibling_order import sort_siblings
from instrumentation.trace.span import MAX_SPAN_DEPTH, TOKEN_USAGE_ATTRIBUTE, Span

KEPT_MLFLOW_ATTRIBUTES = (TOKEN_USAGE_ATTRIBUTE, "mlflow.llm.model", "mlflow.message.format")
"""What MLflow keeps under its own prefix and the tree keeps too; the rest of `mlflow.*` is its
bookkeeping."""

COST_ATTRIBUTE = "mlflow.llm.cost"
"""The attribute in which MLflow's store keeps what a completion cost, by its list of prices."""


class TraceNotFoundError(Exception):
    """Raised when there is no trace to read: for want of one, nothing is judged to be well."""


def build_span_trees(exported_spans: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    """The trees that a flat list of spans stands for. A span whose parent is absent is a root.

    Raises `NoTrace` where they are no tree.
    """
    ids = {span["span_id"] for span in exported_spans}
    names = {span["name"] for span in exported_spans}
    children_of: dict[str | None, list[Mapping[str, Any]]] = {}
    for span in exported_spans:
        parent = span.get("parent_span_id")
        children_of.setdefault(parent if parent in ids else None, []).append(span)
    _require_trees(children_of, exported_spans)

    def build(span: Mapping[str, Any]) -> Span:
        return _convert_span(
            span, names, sort_siblings(map(build, children_of.get(span["span_id"], ())))
        )

    return sort_siblings(map(build, children_of.get(None, ())))


def _require_trees(
    children_of: Mapping[str | None, Sequence[Mapping[str, Any]]],
    exported_spans: Sequence[Mapping[str, Any]],
) -> None:
    twice, times = Counter(span["span_id"] for span in exported_spans).most_common(1)[0]
    if times > 1:
        raise TraceNotFoundError(f"{times} spans of the trace have one id, {twice!r}")
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
            f"{len(exported_spans) - reached} of {len(exported_spans)} spans are beneath themselves: their parents go"
            " round in a circle"
        )


def _convert_span(span: Mapping[str, Any], names: set[str], children: tuple[Span, ...]) -> Span:
    said = {key: _decode_json(value) for key, value in span["attributes"].items()}
    status = span["status"]
    return Span(
        name=_strip_number_suffix(span["name"], names),
        type=said.get("mlflow.spanType", "UNKNOWN"),
        status=status["code"].removeprefix("STATUS_CODE_"),
        status_message=status.get("message") or "",
        inputs=said.get("mlflow.spanInputs"),
        outputs=said.get("mlflow.spanOutputs"),
        attributes={
            key: value
            for key, value in said.items()
            if not key.startswith("mlflow.") or key in KEPT_MLFLOW_ATTRIBUTES
        },
        children=children,
        start_ns=span["start_time_unix_nano"],
        end_ns=span["end_time_unix_nano"] or span["start_time_unix_nano"],
        cost_usd=_cost_usd(said.get(COST_ATTRIBUTE)),
    )


def _cost_usd(told: Any) -> float | None:
    usd = told.get("total_cost") if isinstance(told, Mapping) else None
    return float(usd) if isinstance(usd, int | float) else None


def _strip_number_suffix(name: str, names: set[str]) -> str:
    """MLflow before 3.2 numbers spans of one name: `create_1`, `create_2`."""
    base = re.sub(r"_\d+$", "", name)
    return base if f"{base}_1" in names and f"{base}_2" in names else name


def _decode_json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value
