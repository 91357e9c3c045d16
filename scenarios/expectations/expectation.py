"""`Expectation`: a statement about a trace, how it is written, and the span that it is about."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from string import Formatter
from typing import Any, Concatenate, ParamSpec

from instrumentation.trace import Span, Trace, TraceNotFoundError
from instrumentation.trace.span_tree import UNREADABLE_TRACE_ERRORS
from scenarios.expectations.wording import how_often, join_names, subject
from scenarios.reports.wording import count_of

P = ParamSpec("P")


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


class _Description(Formatter):
    """Fills in a description: `{times:times}` is "twice", `{times:turn}` is "2 turns".

    Several agents are "a and b"; with a verb, as in `{agents:state}`, they are "a and b state".
    """

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, tuple | list):
            return subject(value, format_spec) if format_spec else join_names(value)
        if isinstance(value, int) and format_spec:
            return how_often(value) if format_spec == "times" else count_of(value, format_spec)
        return str(super().format_field(value, format_spec))


def expectation(
    description: str,
    *,
    agents: tuple[str, ...] = ("agent",),
    span_name: str = "",
    signals_failure: bool = False,
    counts_traces: bool = False,
) -> Callable[[Callable[Concatenate[Trace, P], str | None]], Callable[P, Expectation]]:
    """Make a function that builds an expectation of one that explains its failure.

    The function is given a trace first, and then the arguments of the expectation:

        @expectation("{agent} takes {times:turn}")
        def takes_turns(trace: Trace, agent: str, times: int) -> str | None:
            found = len(trace.turns(agent))
            return None if found == times else f"it took {found}"

        takes_turns("writer", 2).description == "writer takes 2 turns"

    Args:
        description: The statement, with `{name}` for an argument.
        agents: The parameters that name agents, if the function has them.
        span_name: As of `Expectation`, with `{name}` for an argument.
    """

    def decorate(explain: Callable[Concatenate[Trace, P], str | None]) -> Callable[P, Expectation]:
        whole = signature(explain)
        own = whole.replace(parameters=list(whole.parameters.values())[1:])

        @wraps(explain)
        def build(*args: P.args, **kwargs: P.kwargs) -> Expectation:
            for name in kwargs.keys() - own.parameters.keys():  # before a missing one, as in Python
                raise TypeError(f"{explain.__name__}() got an unexpected keyword argument {name!r}")
            try:
                bound = own.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{explain.__name__}() {error}") from None
            bound.apply_defaults()
            return Expectation(
                _Description().vformat(description, (), bound.arguments),
                lambda trace: explain(trace, *args, **kwargs),
                tuple(_named_agents(bound.arguments, agents)),
                signals_failure,
                span_name.format(**bound.arguments),
                counts_traces,
            )

        vars(build)["__signature__"] = own.replace(return_annotation=Expectation)
        return build

    return decorate


def _named_agents(arguments: Mapping[str, Any], parameters: tuple[str, ...]) -> Iterator[str]:
    for name in parameters:
        value = arguments.get(name, ())
        yield from [value] if isinstance(value, str) else value


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
