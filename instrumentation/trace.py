"""A trace: the tree of spans that a run left, read from MLflow and free of MLflow.

Expectations, goldens, detectors and fidelity read this tree and nothing else, so they work alike on
a run that has just ended, on an exported trace and on one that was recorded a year ago.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.span import TOKENS, Span

KEPT_OF_MLFLOW = (TOKENS, "mlflow.llm.model", "mlflow.message.format")
"""What MLflow keeps under its own prefix and the tree keeps too; the rest of `mlflow.*` is its
bookkeeping."""


class NoTrace(Exception):
    """Raised when there is no trace to read: for want of one, nothing is judged to be well."""


@dataclass(frozen=True)
class Trace:
    """What one run left: one root, if its instrumentation is whole; several, if it is torn.

    `ids` and `experiment_id` are MLflow's, and empty in a recorded trace.
    """

    roots: tuple[Span, ...]
    ids: tuple[str, ...] = ()
    experiment_id: str = ""

    def __iter__(self) -> Iterator[Span]:
        for root in self.roots:
            yield from root

    @property
    def root(self) -> Span:
        if len(self.roots) != 1:
            names = ", ".join(span.name for span in self.roots)
            raise NoTrace(f"the run left {len(self.roots)} roots where one was due: {names}")
        return self.roots[0]

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

    Raises `NoTrace` when there are none, or when one of them has no span.
    """
    traces = list(exported)
    if not traces:
        raise NoTrace("the run left no trace in MLflow: was tracing on, and was the queue flushed?")
    roots: list[Span] = []
    for trace in traces:
        flat = trace["data"]["spans"]
        if not flat:
            raise NoTrace(f"trace {trace['info']['trace_id']} has no spans")
        roots += _grown(flat)
    ids = tuple(trace["info"]["trace_id"] for trace in traces)
    location = traces[0]["info"].get("trace_location", {}).get("mlflow_experiment", {})
    return Trace(tuple(roots), ids, location.get("experiment_id", ""))


def from_store(trace_id: str, tracking_uri: str) -> Trace:
    """One trace of an MLflow store. Raises `NoTrace` if the store has none of this id."""
    import mlflow  # three seconds, which nobody waits for who reads a file
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient(tracking_uri)
    try:
        return from_mlflow([client.get_trace(trace_id).to_dict()])
    except MlflowException as error:
        raise NoTrace(
            f"no trace {trace_id!r} in the store that MLFLOW_TRACKING_URI names: {error.message}"
        ) from error


def in_order(siblings: Iterable[Span]) -> tuple[Span, ...]:
    """Siblings as they began; those that ran at the same time stand by name and by what they were
    given, handoffs first, so that two runs of the same workflow read the same. Tool calls with no
    completion between them are calls of one reply: whether they overlap is chance."""
    groups: list[list[Span]] = []
    busy_until = -1
    for span in sorted(siblings, key=lambda span: span.start_ns):
        one_reply = bool(groups) and span.type == groups[-1][-1].type == "TOOL"
        if groups and (one_reply or span.start_ns < busy_until):
            groups[-1].append(span)
        else:
            groups.append([span])
        busy_until = max(busy_until, span.end_ns)
    return tuple(span for group in groups for span in sorted(group, key=_place))


def _place(span: Span) -> tuple[bool, str, str, str]:
    given = json.dumps(span.inputs, sort_keys=True, default=str)
    return (span.type != "HANDOFF", span.name, span.type, given)


def _grown(flat: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    """The trees that a flat list of spans stands for. A span whose parent is absent is a root."""
    ids = {span["span_id"] for span in flat}
    names = {span["name"] for span in flat}
    beneath: dict[str | None, list[Mapping[str, Any]]] = {}
    for span in flat:
        parent = span.get("parent_span_id")
        beneath.setdefault(parent if parent in ids else None, []).append(span)

    def grow(span: Mapping[str, Any]) -> Span:
        return _span(span, names, in_order(map(grow, beneath.get(span["span_id"], ()))))

    return in_order(map(grow, beneath.get(None, ())))


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
    )


def _unnumbered(name: str, names: set[str]) -> str:
    """MLflow before 3.2 numbers spans of one name: `create_1`, `create_2`."""
    base = re.sub(r"_\d+$", "", name)
    return base if f"{base}_1" in names and f"{base}_2" in names else name


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value
