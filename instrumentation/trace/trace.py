"""A trace: the tree of spans that a run left, read from MLflow and free of MLflow.

Expectations, goldens, detectors and fidelity read this tree and nothing else, so they work alike on
a run that has just ended, on an exported trace and on one that was recorded a year ago.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from instrumentation.trace.session import Session, common_session
from instrumentation.trace.span import Span
from instrumentation.trace.span_tree import TraceNotFoundError as TraceNotFoundError
from instrumentation.trace.span_tree import build_span_trees


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
            raise TraceNotFoundError(
                f"the run left {len(self.roots)} roots where one was due: {names}"
            )
        return self.roots[-1]

    def spans_of_type(self, type: str) -> tuple[Span, ...]:
        return tuple(span for span in self if span.type == type)

    def turns(self, agent: str) -> tuple[Span, ...]:
        """The turns that an agent took, in order."""
        return tuple(span for span in self.spans_of_type("AGENT") if span.agent == agent)

    def handoffs(self, sender: str, receiver: str) -> tuple[Span, ...]:
        """The handoffs from one agent to another, in order."""
        wanted = {
            "flight_recorder.handoff.from_agent": sender,
            "flight_recorder.handoff.to_agent": receiver,
        }
        return tuple(
            span
            for span in self.spans_of_type("HANDOFF")
            if wanted.items() <= span.attributes.items()
        )

    @property
    def agents(self) -> tuple[str, ...]:
        """Every agent that took a turn, in the order of their first."""
        return tuple(
            dict.fromkeys(span.agent for span in self.spans_of_type("AGENT") if span.agent)
        )


def trace_from_mlflow(exported_traces: Iterable[Mapping[str, Any]]) -> Trace:
    """A run's MLflow traces (`mlflow.entities.Trace.to_dict()`, format 3) as one `Trace`.

    Raises `NoTrace` when there are none, or when one of them has no span, or spans that are no
    tree: two of one id, a span beneath itself, more levels than `DEEPEST`.
    """
    traces = sorted(exported_traces, key=_start_ns)
    if not traces:
        raise TraceNotFoundError(
            "the run left no trace in MLflow: was tracing on, and was the queue flushed?"
        )
    trees = [build_span_trees(trace["data"]["spans"]) for trace in traces]
    return Trace(
        roots=tuple(root for roots in trees for root in roots),
        ids=tuple(trace["info"]["trace_id"] for trace in traces),
        experiment_id=_experiment_id(traces[0]["info"]),
        session=common_session([trace["info"] for trace in traces], trees),
    )


def _start_ns(trace: Mapping[str, Any]) -> int:
    """When a trace began. Raises `NoTrace` if it has no spans."""
    if not trace["data"]["spans"]:
        raise TraceNotFoundError(f"trace {trace['info']['trace_id']} has no spans")
    return min(int(span["start_time_unix_nano"]) for span in trace["data"]["spans"])


def _experiment_id(info: Mapping[str, Any]) -> str:
    location = info.get("trace_location", {}).get("mlflow_experiment", {})
    return str(location.get("experiment_id", ""))
