"""`Expectation`: a statement about a trace, its evaluation, and MLflow assessments of its failure.

An assessment is logged on the span that the expectation is about, so that MLflow shows what is
wrong, and where.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from instrumentation.trace import Span, Trace, TraceNotFoundError
from instrumentation.trace.span_tree import UNREADABLE_TRACE_ERRORS

SOURCE_ID = "agent-flight-recorder"
"""The source of the assessments, beside its type CODE."""
MAX_NAME_CHARS = 250
"""MLflow rejects an assessment with a longer name."""


@dataclass(frozen=True)
class Expectation:
    """A statement about a trace.

    Attributes:
        description: The statement, as reports print it.
        explain_failure: Reads a trace. Returns None if the expectation holds, else a sentence that
            says what the trace has instead.
        agents: The agents that the statement names. A scenario is rejected if one of them has no
            lane on its tape, so that a misspelt name is an error and not an easy pass.
        signals_failure: Whether the statement describes a failure in any workflow. No healthy run
            meets such an expectation.
        span_name: The name of the tool call or task that the statement is about, if it is about
            one; else it is about a handoff between two agents, a turn of one agent, or the run.
    """

    description: str
    explain_failure: Callable[[Trace], str | None]
    agents: tuple[str, ...] = ()
    signals_failure: bool = False
    span_name: str = ""


def log_failed_expectations(
    trace: Trace, expectations: Iterable[Expectation], tracking_uri: str | None = None
) -> dict[str, str]:
    """Log each expectation that a stored trace does not meet, as a feedback with the value False.

    Its name is the expectation's description, its rationale says what the trace has instead.

    Example:
        trace = fetch_trace(trace_id, tracking_uri)
        log_failed_expectations(trace, [hands_off("writer", "editor")], tracking_uri)

    Args:
        trace: A trace of an MLflow store; a trace that was read from JSON has no ids.
        tracking_uri: The store. Default: that of `mlflow.get_tracking_uri()`.

    Returns:
        Why each of them failed, by its description.

    Raises:
        TraceNotFoundError: The trace was not read from a store.
    """
    # MLflow takes three seconds to import, which those who only read files need not wait for.
    from mlflow.entities import AssessmentSource, AssessmentSourceType, Feedback
    from mlflow.tracing.client import TracingClient

    failures = {}
    client = TracingClient(tracking_uri)
    source = AssessmentSource(AssessmentSourceType.CODE, SOURCE_ID)
    for expectation in expectations:
        failure = explain_failure(trace, expectation)
        if failure is None:
            continue
        span = find_span(trace, expectation)
        if not span.trace_id:
            raise TraceNotFoundError(
                "expected a trace of an MLflow store to log assessments on, but it has no id;"
                " read it with fetch_trace"
            )
        name = expectation.description[:MAX_NAME_CHARS]
        feedback = Feedback(
            name=name, value=False, source=source, rationale=failure, span_id=span.id
        )
        client.log_assessment(span.trace_id, feedback)
        failures[expectation.description] = failure
    return failures


def explain_failure(trace: Trace, expectation: Expectation) -> str | None:
    """Why a trace does not meet an expectation; None if it does.

    An incomplete trace meets none: one with several roots, unless these are the turns of a session,
    or with a span that never ended.
    """
    try:
        trace.require_complete()
        return expectation.explain_failure(trace)
    except TraceNotFoundError as error:
        return str(error)
    except UNREADABLE_TRACE_ERRORS as error:
        return f"the trace cannot be read ({type(error).__name__}: {error})"


def find_span(trace: Trace, expectation: Expectation) -> Span:
    """The span that an expectation is about: the first that failed, else the last one.

    It is a tool call or a task, the handoff of which least arrived, an agent's turn, or the root.
    """
    turns = [turn for agent in expectation.agents for turn in trace.turns(agent)]
    named = [span for span in trace if expectation.span_name and span.name == expectation.span_name]
    own = [span for turn in turns for span in turn if span in named]
    handoffs = trace.handoffs(*expectation.agents) if len(expectation.agents) == 2 else ()
    if handoffs and not named:
        return min(handoffs, key=_arrived_share)
    candidates = own or named or turns or [trace.roots[-1]]
    return next((span for span in candidates if span.failed), candidates[-1])


def _arrived_share(handoff: Span) -> float:
    score = handoff.attributes.get("flight_recorder.handoff.efficiency_score")
    return float(score) if isinstance(score, int | float) else 0.0
