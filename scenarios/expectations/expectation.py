"""`Expectation`: a statement about a trace, and the check that explains why it does not hold."""

from collections.abc import Callable
from dataclasses import dataclass

from instrumentation.trace import Trace


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
