"""An expectation of branches at work at the same time: what they fetch twice, or wait for."""

from collections.abc import Sequence
from typing import Any

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.tools import tools
from scenarios.expectations.wording import because, counted


def fetches_again(measurement: str, *, by: tuple[str, str]) -> Expectation:
    """The same measurement of the same part of the clip is made in a branch of each of these."""

    def why_not(trace: Trace) -> str | None:
        one, other = (_parts(trace, measurement, agent) for agent in by)
        return None if one & other else _unlike(by, one, other)

    says = f"{' and '.join(by)} each fetch {measurement} of the same part"
    return Expectation(says, why_not, by, alarming=True)


def fetches_each(measurement: str, *, by: tuple[str, str]) -> Expectation:
    """The measurement is made in a branch of each of these, of parts that differ."""

    def why_not(trace: Trace) -> str | None:
        one, other = (_parts(trace, measurement, agent) for agent in by)
        return None if one and other and not one & other else _unlike(by, one, other)

    return Expectation(f"{' and '.join(by)} fetch {measurement} of different parts", why_not, by)


def shares(measurement: str, *, by: str, of: str) -> Expectation:
    """It is made once in the run, in a branch of the agent `of`, and `by` has a share in it."""

    def why_not(trace: Trace) -> str | None:
        everywhere, there = len(_made(trace, measurement)), len(_made(trace, measurement, of))
        if (everywhere, there) != (1, 1):
            return f"it is made {counted(everywhere, 'time')}, {there} of them by {of}"
        shared = [one for tool in tools(trace, by) for one in _shared(tool)]
        return None if measurement in shared else f"{by} shares {', '.join(shared) or 'nothing'}"

    return Expectation(f"{by} shares the {measurement} that {of} fetched", why_not, (by, of))


def waits_in_silence(agent: str, tool: str, *, times: int) -> Expectation:
    """The agent asks so many times for what is under way: each call says the same, none that it is
    done, and none is an error."""

    def why_not(trace: Trace) -> str | None:
        mine = [span for span in tools(trace, agent) if span.name == tool]
        if len(mine) != times or len(set(map(_news, mine))) > 1:
            return _told(mine)
        said = [span for span in mine if span.failed or _news(span)[0] != "running"]
        return _told(said) if said else None

    says = f"{agent} waits for {tool} in silence, {counted(times, 'time')}"
    return Expectation(says, why_not, (agent,), alarming=True)


def gets_on(agent: str, tool: str, *, times: int) -> Expectation:
    """The agent asks so many times for what is under way: each call has come further than the one
    before, and the last is done."""

    def why_not(trace: Trace) -> str | None:
        mine = [span for span in tools(trace, agent) if span.name == tool]
        come = [_news(span)[1] for span in mine]
        further = None not in come and come == sorted(set(come))
        done = len(mine) == times and further and _news(mine[-1])[0] == "done"
        return None if done else _told(mine)

    return Expectation(f"{agent}'s {tool} gets on, {counted(times, 'time')}", why_not, (agent,))


def fails_nowhere() -> Expectation:
    """No span of the run is an error."""

    def why_not(trace: Trace) -> str | None:
        failed = [span for span in trace if span.failed]
        return "; ".join(f"{span.name} ended ERROR{because(span)}" for span in failed) or None

    return Expectation("no span is ERROR", why_not)


def _made(trace: Trace, measurement: str, agent: str = "") -> list[Span]:
    """Where it was really made: in the run, or in the branch of an agent."""
    spans = [span for turn in trace.turns(agent) for span in turn] if agent else list(trace)
    name = f"measure {measurement}"
    return [span for span in spans if span.type == "MEASUREMENT" and span.name == name]


def _parts(trace: Trace, measurement: str, agent: str) -> set[str]:
    """The parts of the clip of which an agent's branch made the measurement."""
    given = [span.inputs for span in _made(trace, measurement, agent)]
    return {f"{part['from_s']} s to {part['to_s']} s" for part in given}


def _unlike(agents: tuple[str, str], *parts: set[str]) -> str:
    pairs = zip(agents, parts, strict=True)
    return "; ".join(
        f"{agent} made it of {', '.join(sorted(of)) or 'nothing'}" for agent, of in pairs
    )


def _shared(tool: Span) -> Sequence[str]:
    """The measurements that the tool call did not have to make."""
    shared: Sequence[str] = tool.attributes.get("measurement.shared", ())
    return shared


def _news(call: Span) -> tuple[Any, Any]:
    """What a call was told last: the state of what is under way, and how far it has come."""
    return call.attributes.get("lookup.state"), call.attributes.get("lookup.looked_through")


def _told(calls: list[Span]) -> str:
    heard = [f"{span.status}, {_news(span)[0]} at {_news(span)[1]}" for span in calls]
    return f"{counted(len(calls), 'call')}{': ' if heard else ''}{'; '.join(heard)}"
