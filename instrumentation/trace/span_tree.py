"""What has grown from a flat list of spans, as MLflow exports it: the trees that it stands for."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from instrumentation.trace.sibling_order import in_order
from instrumentation.trace.span import DEEPEST, TOKENS, Span

KEPT_OF_MLFLOW = (TOKENS, "mlflow.llm.model", "mlflow.message.format")
"""What MLflow keeps under its own prefix and the tree keeps too; the rest of `mlflow.*` is its
bookkeeping."""

COST = "mlflow.llm.cost"
"""The attribute in which MLflow's store keeps what a completion cost, by its list of prices."""


class NoTrace(Exception):
    """Raised when there is no trace to read: for want of one, nothing is judged to be well."""


def grown(flat: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    """The trees that a flat list of spans stands for. A span whose parent is absent is a root.

    Raises `NoTrace` where they are no tree.
    """
    ids = {span["span_id"] for span in flat}
    names = {span["name"] for span in flat}
    beneath: dict[str | None, list[Mapping[str, Any]]] = {}
    for span in flat:
        parent = span.get("parent_span_id")
        beneath.setdefault(parent if parent in ids else None, []).append(span)
    _see_a_tree(beneath, flat)

    def grow(span: Mapping[str, Any]) -> Span:
        return _span(span, names, in_order(map(grow, beneath.get(span["span_id"], ()))))

    return in_order(map(grow, beneath.get(None, ())))


def _see_a_tree(
    beneath: Mapping[str | None, Sequence[Mapping[str, Any]]], flat: Sequence[Mapping[str, Any]]
) -> None:
    twice, times = Counter(span["span_id"] for span in flat).most_common(1)[0]
    if times > 1:
        raise NoTrace(f"{times} spans of the trace have one id, {twice!r}")
    level, reached = list(beneath.get(None, ())), 0
    for _ in range(DEEPEST):
        reached += len(level)
        level = [child for span in level for child in beneath.get(span["span_id"], ())]
    if level:
        raise NoTrace(f"the spans of the trace are nested more than {DEEPEST} levels deep")
    if reached < len(flat):
        raise NoTrace(
            f"{len(flat) - reached} of {len(flat)} spans are beneath themselves: their parents go"
            " round in a circle"
        )


def _span(span: Mapping[str, Any], names: set[str], children: tuple[Span, ...]) -> Span:
    said = {key: _decoded(value) for key, value in span["attributes"].items()}
    status = span["status"]
    return Span(
        name=_unnumbered(span["name"], names),
        type=said.get("mlflow.spanType", "UNKNOWN"),
        status=status["code"].removeprefix("STATUS_CODE_"),
        says=status.get("message") or "",
        inputs=said.get("mlflow.spanInputs"),
        outputs=said.get("mlflow.spanOutputs"),
        attributes={
            key: value
            for key, value in said.items()
            if not key.startswith("mlflow.") or key in KEPT_OF_MLFLOW
        },
        children=children,
        start_ns=span["start_time_unix_nano"],
        end_ns=span["end_time_unix_nano"] or span["start_time_unix_nano"],
        cost_usd=_cost(said.get(COST)),
    )


def _cost(told: Any) -> float | None:
    usd = told.get("total_cost") if isinstance(told, Mapping) else None
    return float(usd) if isinstance(usd, int | float) else None


def _unnumbered(name: str, names: set[str]) -> str:
    """MLflow before 3.2 numbers spans of one name: `create_1`, `create_2`."""
    base = re.sub(r"_\d+$", "", name)
    return base if f"{base}_1" in names and f"{base}_2" in names else name


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value
