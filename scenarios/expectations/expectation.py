"""`Expectation`: a statement about a trace, its evaluation, and MLflow assessments of its failure.

An assessment is logged on the span that the expectation is about, so that MLflow shows what is
wrong, and where. Below the class are the helpers that word the sentence of a failure.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.trace import Span, Trace, TraceNotFoundError
from instrumentation.trace.span_tree import UNREADABLE_TRACE_ERRORS

SOURCE_ID = "agent-flight-recorder"
"""The source of the assessments, beside its type CODE."""
MAX_NAME_CHARS = 250
"""MLflow rejects an assessment with a longer name."""

MAX_CHARS = 160
"""How much of a text a sentence quotes."""


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
        counts_traces: Whether the statement says how many traces the run leaves. Any other one
            needs a single root.
    """

    description: str
    explain_failure: Callable[[Trace], str | None]
    agents: tuple[str, ...] = ()
    signals_failure: bool = False
    span_name: str = ""
    counts_traces: bool = False


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

    An incomplete trace meets none: one with a span that never ended, or with several roots, unless
    these are the turns of a session or the expectation counts them.
    """
    try:
        if expectation.counts_traces:
            trace.require_ended()
        else:
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


def root_attribute(trace: Trace, name: str) -> Any:
    """An attribute of the root span; None if the root lacks it."""
    return trace.root.attributes.get(name)


def list_agents(trace: Trace) -> str:
    """The names of all agents that took a turn, as "a, b"; "none" without any."""
    return ", ".join(trace.agents) or "none"


def list_names(trace: Trace, span_type: str) -> str:
    """The names of all spans of a type, as "a, b"; "none" without any."""
    return ", ".join(span.name for span in trace.spans_of_type(span_type)) or "none"


def error_suffix(span: Span) -> str:
    """The first line of a span's status message as " (message)"; empty without a message."""
    return f" ({shorten(span.status_message.splitlines()[0])})" if span.status_message else ""


def to_text(value: Any) -> str:
    """A value as text. JSON has sorted keys: a new run and its recorded trace read alike."""
    if isinstance(value, str) or not value:
        return value or ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def shorten(text: str) -> str:
    """The text, cut to `MAX_CHARS` characters with an ellipsis."""
    return text if len(text) <= MAX_CHARS else f"{text[: MAX_CHARS - 3]}…"


def pluralize(number: int, noun: str) -> str:
    """A count with its noun: "1 call", "3 calls"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def how_often(times: int) -> str:
    """A number of times: "once", "twice", "3 times"."""
    return {1: "once", 2: "twice"}.get(times, f"{times} times")


def join_names(names: Sequence[str]) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def subject(agents: Sequence[str], verb: str) -> str:
    """Agents with a verb that agrees: "a keeps", "a and b keep"."""
    return f"{join_names(agents)} {verb}{'s' if len(agents) == 1 else ''}"


def describe_nearest(pattern: str, text: str) -> str:
    """Describe the place in a text that comes closest to a regular expression.

    Looks for ever shorter beginnings of the pattern. If less than half of it is found, the text is
    quoted from its start.
    """
    for end in range(len(pattern) - 1, len(pattern) // 2, -1):
        try:
            found = re.search(pattern[:end], text)
        except re.error:
            continue  # the cut is inside a group or a set
        if found and found.group():
            return f"has {shorten(text[found.start() :])}"
    return f"is {shorten(text)}"
