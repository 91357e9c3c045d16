"""An expectation of tools: which are called, by whom, how often, and with what coming of it."""

import re
from collections.abc import Iterator

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.wording import because, counted, measured, short, text


def calls(agent: str, tool: str, *, times: int, answered: str = "") -> Expectation:
    """The agent calls the tool so many times, and each result bears the pattern `answered`."""

    def why_not(trace: Trace) -> str | None:
        seen = [span for span in tools(trace, agent) if span.name == tool]
        if len(seen) != times:
            return f"{counted(len(seen), 'call')}{_instead(trace, agent)}"
        other = next((span for span in seen if not re.search(answered, result(span))), None)
        return f"it answered {short(result(other))}" if other else None

    reason = f", answered /{answered}/" if answered else ""
    says = f"{agent} calls {tool}, {counted(times, 'time')}{reason}"
    return Expectation(says, why_not, (agent,))


def is_sent(agent: str, tool: str, pattern: str) -> Expectation:
    """What a service answered to each of the agent's calls, as it came, bears this pattern."""

    def why_not(trace: Trace) -> str | None:
        seen = [span for span in tools(trace, agent) if span.name == tool]
        if not seen:
            return f"no call{_instead(trace, agent)}"
        sent = [text(span.attributes.get("http.reply")) for span in seen]
        other = next((reply for reply in sent if not re.search(pattern, reply)), None)
        return None if other is None else f"it was sent {short(other) or 'nothing'}"

    return Expectation(f"{agent}'s {tool} is sent /{pattern}/", why_not, (agent,))


def never_calls(agent: str, tool: str) -> Expectation:
    """The agent is at work, and does not call the tool."""

    def why_not(trace: Trace) -> str | None:
        if not trace.turns(agent):
            return f"{agent} took no turn at all"
        seen = sum(span.name == tool for span in tools(trace, agent))
        return counted(seen, "call") if seen else None

    return Expectation(f"{agent} never calls {tool}", why_not, (agent,))


def fails_to_call(agent: str, tool: str, *, times: int, saying: str) -> Expectation:
    """So many of the agent's calls of the tool end in an error in which `saying` stands."""

    def why_not(trace: Trace) -> str | None:
        mine = [span for span in tools(trace, agent) if span.name == tool]
        failed = [span for span in mine if span.failed and saying in span.says]
        if len(failed) == times:
            return None
        ends = ", ".join(f"{span.status}{because(span)}" for span in mine) or "none"
        return f"{counted(len(failed), 'such call')}; its calls: {ends}"

    says = f"{agent}'s call of {tool} fails saying {saying!r}, {counted(times, 'time')}"
    return Expectation(says, why_not, (agent,))


def runs_away(agent: str, tool: str) -> Expectation:
    """The agent calls the tool with the same arguments and the same result, again and again, and
    each completion costs more tokens than the one before."""

    def why_not(trace: Trace) -> str | None:
        if measured(trace, "routing.loop_detected") is not True:
            return "no loop was detected"
        mine = [span for span in tools(trace, agent) if span.name == tool]
        same = len({(text(span.inputs), result(span)) for span in mine})
        if len(mine) < 3 or same > 1:
            return f"{counted(len(mine), 'call')}, {same} of them different"
        turn = [span for turn in trace.turns(agent) for span in turn if span.type == "LLM"]
        spent = [span.tokens.input for span in turn]
        grows = spent == sorted(set(spent))
        return None if grows else f"its completions cost {', '.join(map(str, spent))} tokens"

    return Expectation(f"{agent} runs away with {tool}", why_not, (agent,), alarming=True)


def never_loops() -> Expectation:
    """No agent calls a tool with the same arguments and the same result again and again."""

    def why_not(trace: Trace) -> str | None:
        seen = measured(trace, "routing.loop_detected")
        return None if seen is False else f"routing.loop_detected is {seen}"

    return Expectation("never loops", why_not)


def sends_back(task: str, *, times: int) -> Expectation:
    """The guardrail of the task refuses its result so many times."""

    def why_not(trace: Trace) -> str | None:
        tasks = [span for span in trace.of_type("TASK") if span.name == task]
        if not tasks:
            return f"no task of this name; tasks: {_names(trace, 'TASK')}"
        guards = [span for one in tasks for span in one if span.type == "GUARDRAIL"]
        refused = sum(span.attributes.get("guardrail.passed") is False for span in guards)
        if refused == times:
            return None
        return f"it refused {counted(refused, 'time')}, of {counted(len(guards), 'check')}"

    return Expectation(f"the guardrail of {task} sends back, {counted(times, 'time')}", why_not)


def claims_without(agent: str, tool: str) -> Expectation:
    """The run's output claims to be verified, and the agent never called the tool that verifies."""

    def why_not(trace: Trace) -> str | None:
        if (trace.root.outputs or {}).get("claims_verified") is not True:
            return f"nothing is claimed: the output is {short(text(trace.root.outputs))}"
        if not trace.turns(agent):
            return f"{agent} took no turn at all"
        seen = sum(span.name == tool for span in tools(trace, agent))
        return counted(seen, "call") if seen else None

    return Expectation(f"{agent} claims without {tool}", why_not, (agent,), alarming=True)


def tools(trace: Trace, agent: str) -> Iterator[Span]:
    """The agent's own tool calls, without those of agents that it delegates to."""
    for turn in trace.turns(agent):
        yield from _own(turn)


def result(tool: Span) -> str:
    return text(tool.outputs) or tool.says


def _own(span: Span) -> Iterator[Span]:
    for child in span.children:
        if child.type == "AGENT":
            continue
        if child.type == "TOOL":
            yield child
        yield from _own(child)


def _instead(trace: Trace, agent: str) -> str:
    seen = ", ".join(span.name for span in tools(trace, agent)) or "nothing"
    return f"; {agent} called {seen}"


def _names(trace: Trace, type: str) -> str:
    return ", ".join(span.name for span in trace.of_type(type)) or "none"
