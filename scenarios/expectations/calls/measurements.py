"""Expectations about measurements of a clip: repeated, made in parts, or shared by branches."""

from collections.abc import Sequence

from instrumentation.trace import Span, Trace
from scenarios.expectations.calls.tools import tool_calls
from scenarios.expectations.expectation import expectation
from scenarios.reports.wording import count_of


@expectation(
    "{agents} both measure {measurement} of the same part",
    agents=("agents",),
    signals_failure=True,
)
def duplicates_measurement(
    trace: Trace, measurement: str, *, agents: tuple[str, str]
) -> str | None:
    """Both agents make the same measurement of the same part of the clip."""
    one, other = (_measured_parts(trace, measurement, agent) for agent in agents)
    return None if one & other else _describe_parts(agents, one, other)


@expectation("{agents} measure {measurement} of different parts", agents=("agents",))
def measures_different_parts(
    trace: Trace, measurement: str, *, agents: tuple[str, str]
) -> str | None:
    """Both agents make the measurement, of different parts of the clip."""
    one, other = (_measured_parts(trace, measurement, agent) for agent in agents)
    is_divided = one and other and not one & other
    return None if is_divided else _describe_parts(agents, one, other)


@expectation(
    "{reused_by} reuses the {measurement} measured by {made_by}", agents=("reused_by", "made_by")
)
def shares_measurement(
    trace: Trace, measurement: str, *, made_by: str, reused_by: str
) -> str | None:
    """The measurement is made once in the run, by one agent, and the other agent reuses it."""
    total = len(_measurement_spans(trace, measurement))
    made = len(_measurement_spans(trace, measurement, made_by))
    if (total, made) != (1, 1):
        return f"it is made {count_of(total, 'time')}, {made} of them by {made_by}"
    shared = [name for call in tool_calls(trace, reused_by) for name in _reused(call)]
    if measurement in shared:
        return None
    return f"{reused_by} reuses {', '.join(shared) or 'no measurement'}"


def _measurement_spans(trace: Trace, measurement: str, agent: str = "") -> list[Span]:
    """The spans in which a measurement was made, in the run or in the turns of an agent."""
    spans = [span for turn in trace.turns(agent) for span in turn] if agent else list(trace)
    name = f"measure {measurement}"
    return [span for span in spans if span.type == "MEASUREMENT" and span.name == name]


def _measured_parts(trace: Trace, measurement: str, agent: str) -> set[str]:
    """The parts of the clip that an agent measured."""
    inputs = [span.inputs for span in _measurement_spans(trace, measurement, agent)]
    return {f"{part['from_s']} s to {part['to_s']} s" for part in inputs}


def _describe_parts(agents: tuple[str, str], *parts: set[str]) -> str:
    pairs = zip(agents, parts, strict=True)
    return "; ".join(
        f"{agent} measured {', '.join(sorted(of)) or 'nothing'}" for agent, of in pairs
    )


def _reused(call: Span) -> Sequence[str]:
    """The measurements that a tool call did not have to make."""
    reused: Sequence[str] = call.attributes.get("flight_recorder.measurement.shared", ())
    return reused
