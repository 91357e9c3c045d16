"""The trace of one run as a tree of spans, built from MLflow's export, usable without MLflow.

Expectations, golden outlines, alerts and fidelity read only this tree. So they work the same on a
run that has just ended, on an exported trace, and on a trace that was recorded a year ago.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from instrumentation.trace.session import Session, common_session
from instrumentation.trace.span import IN_PROGRESS, SENDER_ATTRIBUTE, Span
from instrumentation.trace.span_tree import TraceNotFoundError as TraceNotFoundError
from instrumentation.trace.span_tree import build_span_trees


@dataclass(frozen=True)
class Trace:
    """The spans of one run, or of all turns of one session.

    A complete run has one root. Several roots mean that the run is torn, that is, spans have lost
    their parents; or that each root is one turn of a `session`.

    Attributes:
        ids: MLflow's trace ids; empty for a trace that was read from JSON.
        experiment_id: MLflow's id of the experiment; empty for a trace that was read from JSON.
        session: The session, if all roots are complete turns of the same one.
    """

    roots: tuple[Span, ...]
    ids: tuple[str, ...] = ()
    experiment_id: str = ""
    session: Session | None = None

    def __iter__(self) -> Iterator[Span]:
        """Yield every span; parents come before their children."""
        for root in self.roots:
            yield from root

    @property
    def root(self) -> Span:
        """The only root; of a session, the root of its last turn.

        Raises:
            TraceNotFoundError: The run is torn.
        """
        if len(self.roots) != 1 and self.session is None:
            names = ", ".join(span.name for span in self.roots)
            raise TraceNotFoundError(
                f"expected one root span, but the run has {len(self.roots)}: {names}"
            )
        return self.roots[-1]

    def require_complete(self) -> None:
        """Raise `TraceNotFoundError` if the run is torn, or if a span of it never ended."""
        _ = self.root
        self.require_ended()

    def require_ended(self) -> None:
        """Raise `TraceNotFoundError` if a span never ended."""
        if open_spans := [span.name for span in self if span.status == IN_PROGRESS]:
            raise TraceNotFoundError(
                f"the span {open_spans[0]} never ended, so the trace is not complete"
            )

    def spans_of_type(self, type: str) -> tuple[Span, ...]:
        return tuple(span for span in self if span.type == type)

    def turns(self, agent: str) -> tuple[Span, ...]:
        """The turns of an agent, in order."""
        return tuple(span for span in self.spans_of_type("AGENT") if span.agent == agent)

    def handoffs(self, sender: str, receiver: str) -> tuple[Span, ...]:
        """The handoffs from one agent to another, in order."""
        wanted = {SENDER_ATTRIBUTE: sender, "flight_recorder.handoff.to_agent": receiver}
        handoffs = self.spans_of_type("HANDOFF")
        return tuple(span for span in handoffs if wanted.items() <= span.attributes.items())

    @property
    def agents(self) -> tuple[str, ...]:
        """Every agent that took a turn, in the order of their first turns."""
        agents = (span.agent for span in self.spans_of_type("AGENT") if span.agent)
        return tuple(dict.fromkeys(agents))


def trace_from_mlflow(exported_traces: Iterable[Mapping[str, Any]]) -> Trace:
    """Combine the MLflow traces of a run into one `Trace`.

    Example:
        with enable_tracing(), record_run() as run:
            ...
        trace = trace_from_mlflow(exported.to_dict() for exported in run.traces())

    Args:
        exported_traces: Traces as `mlflow.entities.Trace.to_dict()` returns them (format 3).

    Raises:
        TraceNotFoundError: There is no trace, a trace has no spans, or its spans form no tree: two
            share an id, one is its own ancestor, or they are nested too deep.
    """
    pairs = sorted(
        ((trace, _build_trees(trace)) for trace in exported_traces),
        key=lambda pair: min(root.start_ns for root in pair[1]),
    )
    if not pairs:
        raise TraceNotFoundError(
            "the run left no trace in MLflow: was tracing on, and was the queue flushed?"
        )
    traces, trees = [trace for trace, _ in pairs], [roots for _, roots in pairs]
    return Trace(
        roots=tuple(root for roots in trees for root in roots),
        ids=tuple(trace["info"]["trace_id"] for trace in traces),
        experiment_id=_experiment_id(traces[0]["info"]),
        session=common_session([trace["info"] for trace in traces], trees),
    )


def _build_trees(trace: Mapping[str, Any]) -> tuple[Span, ...]:
    """The trees of a trace; below its root, if that never ended and so was never stored.

    Raises `TraceNotFoundError` if it has no spans.
    """
    info, spans = trace["info"], trace["data"]["spans"]
    if not spans:
        raise TraceNotFoundError(f"trace {info['trace_id']} has no spans")
    roots = build_span_trees(spans)
    state = info.get("state") or info.get("status")
    if state != IN_PROGRESS or not all(span.get("parent_span_id") for span in spans):
        return roots
    name = (info.get("tags") or {}).get("mlflow.traceName") or "root"
    start_ns, end_ns = min(root.start_ns for root in roots), max(root.end_ns for root in roots)
    message = "the span never ended"
    return (Span(name, "UNKNOWN", IN_PROGRESS, message, None, None, {}, roots, start_ns, end_ns),)


def _experiment_id(info: Mapping[str, Any]) -> str:
    location = info.get("trace_location", {}).get("mlflow_experiment", {})
    return str(location.get("experiment_id", ""))
