"""`Expectation`: a statement about a trace, its evaluation, and the span that it is about."""

from collections.abc import Callable
from dataclasses import dataclass

from instrumentation.trace import Span, Trace, TraceNotFoundError
from instrumentation.trace.span_tree import UNREADABLE_TRACE_ERRORS


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
