"""An expectation of branches at work at the same time: what they fetch twice, or wait for."""

from collections.abc import Sequence
from typing import Any

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.tools import tool_calls
from scenarios.expectations.wording import error_suffix, pluralize


def duplicates_measurement(measurement: str, *, agents: tuple[str, str]) -> Expectation:
    """The same measurement of the same part of the clip is made in a branch of each of these."""

    def why_not(trace: Trace) -> str | None:
        one, other = (_measured_parts(trace, measurement, agent) for agent in agents)
        return None if one & other else _describe_parts(agents, one, other)

    says = f"{' and '.join(agents)} each fetch {measurement} of the same part"
    return Expectation(says, why_not, agents, signals_failure=True)


def measures_different_parts(measurement: str, *, agents: tuple[str, str]) -> Expectation:
    """The measurement is made in a branch of each of these, of parts that differ."""

    def why_not(trace: Trace) -> str | None:
        one, other = (_measured_parts(trace, measurement, agent) for agent in agents)
        return None if one and other and not one & other else _describe_parts(agents, one, other)

    return Expectation(
        f"{' and '.join(agents)} fetch {measurement} of different parts", why_not, agents
    )


def shares_measurement(measurement: str, *, reused_by: str, made_by: str) -> Expectation:
    """It is made once in the run, in a branch of the agent `of`, and `by` has a share in it."""

    def why_not(trace: Trace) -> str | None:
        everywhere, there = (
            len(_measurement_spans(trace, measurement)),
            len(_measurement_spans(trace, measurement, made_by)),
        )
        if (everywhere, there) != (1, 1):
            return f"it is made {pluralize(everywhere, 'time')}, {there} of them by {made_by}"
        shared = [
            one for tool in tool_calls(trace, reused_by) for one in _shared_measurements(tool)
        ]
        return (
            None
            if measurement in shared
            else f"{reused_by} shares {', '.join(shared) or 'nothing'}"
        )

    return Expectation(
        f"{reused_by} shares the {measurement} that {made_by} fetched",
        why_not,
        (reused_by, made_by),
    )


def polls_without_progress(agent: str, tool: str, *, times: int) -> Expectation:
    """The agent asks so many times for what is under way: each call says the same, none that it is
    done, and none is an error."""

    def why_not(trace: Trace) -> str | None:
        mine = [span for span in tool_calls(trace, agent) if span.name == tool]
        if len(mine) != times or len(set(map(_polled_state, mine))) > 1:
            return _describe_polls(mine)
        said = [span for span in mine if span.failed or _polled_state(span)[0] != "running"]
        return _describe_polls(said) if said else None

    says = f"{agent} waits for {tool} in silence, {pluralize(times, 'time')}"
    return Expectation(says, why_not, (agent,), signals_failure=True)


def polls_with_progress(agent: str, tool: str, *, times: int) -> Expectation:
    """The agent asks so many times for what is under way: each call has come further than the one
    before, and the last is done."""

    def why_not(trace: Trace) -> str | None:
        mine = [span for span in tool_calls(trace, agent) if span.name == tool]
        come = [_polled_state(span)[1] for span in mine]
        further = None not in come and come == sorted(set(come))
        done = len(mine) == times and further and _polled_state(mine[-1])[0] == "done"
        return None if done else _describe_polls(mine)

    return Expectation(f"{agent}'s {tool} gets on, {pluralize(times, 'time')}", why_not, (agent,))


def has_no_errors() -> Expectation:
    """No span of the run is an error."""

    def why_not(trace: Trace) -> str | None:
        failed = [span for span in trace if span.failed]
        return "; ".join(f"{span.name} ended ERROR{error_suffix(span)}" for span in failed) or None

    return Expectation("no span is ERROR", why_not)


def _measurement_spans(trace: Trace, measurement: str, agent: str = "") -> list[Span]:
    """Where it was really made: in the run, or in the branch of an agent."""
    spans = [span for turn in trace.turns(agent) for span in turn] if agent else list(trace)
    name = f"measure {measurement}"
    return [span for span in spans if span.type == "MEASUREMENT" and span.name == name]


def _measured_parts(trace: Trace, measurement: str, agent: str) -> set[str]:
    """The parts of the clip of which an agent's branch made the measurement."""
    given = [span.inputs for span in _measurement_spans(trace, measurement, agent)]
    return {f"{part['from_s']} s to {part['to_s']} s" for part in given}


def _describe_parts(agents: tuple[str, str], *parts: set[str]) -> str:
    pairs = zip(agents, parts, strict=True)
    return "; ".join(
        f"{agent} made it of {', '.join(sorted(of)) or 'nothing'}" for agent, of in pairs
    )


def _shared_measurements(tool: Span) -> Sequence[str]:
    """The measurements that the tool call did not have to make."""
    shared: Sequence[str] = tool.attributes.get("flight_recorder.measurement.shared", ())
    return shared


def _polled_state(call: Span) -> tuple[Any, Any]:
    """What a call was told last: the state of what is under way, and how far it has come."""
    return call.attributes.get("flight_recorder.lookup.state"), call.attributes.get(
        "flight_recorder.lookup.looked_through"
    )


def _describe_polls(calls: list[Span]) -> str:
    heard = [
        f"{span.status}, {_polled_state(span)[0]} at {_polled_state(span)[1]}" for span in calls
    ]
    return f"{pluralize(len(calls), 'call')}{': ' if heard else ''}{'; '.join(heard)}"
