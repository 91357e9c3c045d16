"""A trace: the tree of spans that a run left, read from MLflow and free of MLflow.

Expectations, goldens, detectors and fidelity read this tree and nothing else, so they work alike on
a run that has just ended, on an exported trace and on one that was recorded a year ago.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.order import in_order
from instrumentation.session import Session, shared
from instrumentation.span import DEEPEST, TOKENS, Span

KEPT_OF_MLFLOW = (TOKENS, "mlflow.llm.model", "mlflow.message.format")
"""What MLflow keeps under its own prefix and the tree keeps too; the rest of `mlflow.*` is its
bookkeeping."""

COST = "mlflow.llm.cost"
"""The attribute in which MLflow's store keeps what a completion cost, by its list of prices."""


class NoTrace(Exception):
    """Raised when there is no trace to read: for want of one, nothing is judged to be well."""


@dataclass(frozen=True)
class Trace:
    """What one run left: one root, if its instrumentation is whole; several, if it is torn.

    Several are whole where each is a turn of one `session` and a trace of its own; else there is no
    session. `ids` and `experiment_id` are MLflow's, and empty in a recorded trace.
    """

    roots: tuple[Span, ...]
    ids: tuple[str, ...] = ()
    experiment_id: str = ""
    session: Session | None = None

    def __iter__(self) -> Iterator[Span]:
        for root in self.roots:
            yield from root

    @property
    def root(self) -> Span:
        """The one root; of a session, that of its last turn. Raises `NoTrace` if it is torn."""
        if len(self.roots) != 1 and self.session is None:
            names = ", ".join(span.name for span in self.roots)
            raise NoTrace(f"the run left {len(self.roots)} roots where one was due: {names}")
        return self.roots[-1]

    def of_type(self, type: str) -> tuple[Span, ...]:
        return tuple(span for span in self if span.type == type)

    def turns(self, agent: str) -> tuple[Span, ...]:
        """The turns that an agent took, in order."""
        return tuple(span for span in self.of_type("AGENT") if span.agent == agent)

    def handoffs(self, sender: str, receiver: str) -> tuple[Span, ...]:
        """The handoffs from one agent to another, in order."""
        wanted = {"handoff.from_agent": sender, "handoff.to_agent": receiver}
        return tuple(
            span for span in self.of_type("HANDOFF") if wanted.items() <= span.attributes.items()
        )

    @property
    def agents(self) -> tuple[str, ...]:
        """Every agent that took a turn, in the order of their first."""
        return tuple(dict.fromkeys(span.agent for span in self.of_type("AGENT") if span.agent))


def from_mlflow(exported: Iterable[Mapping[str, Any]]) -> Trace:
    """A run's MLflow traces (`mlflow.entities.Trace.to_dict()`, format 3) as one `Trace`.

    Raises `NoTrace` when there are none, or when one of them has no span, or spans that are no
    tree: two of one id, a span beneath itself, more levels than `DEEPEST`.
    """
    traces = sorted(exported, key=_began_ns)
    if not traces:
        raise NoTrace("the run left no trace in MLflow: was tracing on, and was the queue flushed?")
    grown = [_grown(trace["data"]["spans"]) for trace in traces]
    return Trace(
        roots=tuple(root for roots in grown for root in roots),
        ids=tuple(trace["info"]["trace_id"] for trace in traces),
        experiment_id=_experiment(traces[0]["info"]),
        session=shared([trace["info"] for trace in traces], grown),
    )


def _began_ns(trace: Mapping[str, Any]) -> int:
    """When a trace began. Raises `NoTrace` if it has no spans."""
    if not trace["data"]["spans"]:
        raise NoTrace(f"trace {trace['info']['trace_id']} has no spans")
    return min(int(span["start_time_unix_nano"]) for span in trace["data"]["spans"])


def _experiment(info: Mapping[str, Any]) -> str:
    location = info.get("trace_location", {}).get("mlflow_experiment", {})
    return str(location.get("experiment_id", ""))


def _grown(flat: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    """The trees that a flat list of spans stands for. A span whose parent is absent is a root."""
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
