"""An expectation of tools: which are called, by whom, how often, and with what coming of it."""

import re
from collections.abc import Iterator

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.wording import error_suffix, pluralize, root_attribute, shorten, to_text


def calls_tool(agent: str, tool: str, *, times: int, returning: str = "") -> Expectation:
    """The agent calls the tool so many times, and each result bears the pattern `answered`."""

    def why_not(trace: Trace) -> str | None:
        seen = [span for span in tool_calls(trace, agent) if span.name == tool]
        if len(seen) != times:
            return f"{pluralize(len(seen), 'call')}{_describe_calls(trace, agent)}"
        other = next((span for span in seen if not re.search(returning, tool_result(span))), None)
        return f"it answered {shorten(tool_result(other))}" if other else None

    reason = f", answered /{returning}/" if returning else ""
    says = f"{agent} calls {tool}, {pluralize(times, 'time')}{reason}"
    return Expectation(says, why_not, (agent,))


def receives_http_reply(agent: str, tool: str, pattern: str) -> Expectation:
    """What a service answered to each of the agent's calls, as it came, bears this pattern."""

    def why_not(trace: Trace) -> str | None:
        seen = [span for span in tool_calls(trace, agent) if span.name == tool]
        if not seen:
            return f"no call{_describe_calls(trace, agent)}"
        sent = [to_text(span.attributes.get("flight_recorder.http.reply")) for span in seen]
        other = next((reply for reply in sent if not re.search(pattern, reply)), None)
        return None if other is None else f"it was sent {shorten(other) or 'nothing'}"

    return Expectation(f"{agent}'s {tool} is sent /{pattern}/", why_not, (agent,))


def never_calls_tool(agent: str, tool: str) -> Expectation:
    """The agent is at work, and does not call the tool."""

    def why_not(trace: Trace) -> str | None:
        if not trace.turns(agent):
            return f"{agent} took no turn at all"
        seen = sum(span.name == tool for span in tool_calls(trace, agent))
        return pluralize(seen, "call") if seen else None

    return Expectation(f"{agent} never calls {tool}", why_not, (agent,))


def tool_call_fails(agent: str, tool: str, *, times: int, message: str) -> Expectation:
    """So many of the agent's calls of the tool end in an error in which `saying` stands."""

    def why_not(trace: Trace) -> str | None:
        mine = [span for span in tool_calls(trace, agent) if span.name == tool]
        failed = [span for span in mine if span.failed and message in span.status_message]
        if len(failed) == times:
            return None
        ends = ", ".join(f"{span.status}{error_suffix(span)}" for span in mine) or "none"
        return f"{pluralize(len(failed), 'such call')}; its calls: {ends}"

    says = f"{agent}'s call of {tool} fails saying {message!r}, {pluralize(times, 'time')}"
    return Expectation(says, why_not, (agent,))


def loops_on_tool(agent: str, tool: str) -> Expectation:
    """The agent calls the tool with the same arguments and the same result, again and again, and
    each completion costs more tokens than the one before."""

    def why_not(trace: Trace) -> str | None:
        if root_attribute(trace, "flight_recorder.routing.loop_detected") is not True:
            return "no loop was detected"
        mine = [span for span in tool_calls(trace, agent) if span.name == tool]
        same = len({(to_text(span.inputs), tool_result(span)) for span in mine})
        if len(mine) < 3 or same > 1:
            return f"{pluralize(len(mine), 'call')}, {same} of them different"
        turn = [span for turn in trace.turns(agent) for span in turn if span.type == "LLM"]
        spent = [span.tokens.input for span in turn]
        grows = spent == sorted(set(spent))
        return None if grows else f"its completions cost {', '.join(map(str, spent))} tokens"

    return Expectation(f"{agent} runs away with {tool}", why_not, (agent,), signals_failure=True)


def never_loops() -> Expectation:
    """No agent calls a tool with the same arguments and the same result again and again."""

    def why_not(trace: Trace) -> str | None:
        seen = root_attribute(trace, "flight_recorder.routing.loop_detected")
        return None if seen is False else f"flight_recorder.routing.loop_detected is {seen}"

    return Expectation("never loops", why_not)


def guardrail_rejects(task: str, *, times: int) -> Expectation:
    """The guardrail of the task refuses its result so many times."""

    def why_not(trace: Trace) -> str | None:
        tasks = [span for span in trace.spans_of_type("TASK") if span.name == task]
        if not tasks:
            return f"no task of this name; tasks: {_list_names(trace, 'TASK')}"
        guards = [span for one in tasks for span in one if span.type == "GUARDRAIL"]
        refused = sum(
            span.attributes.get("flight_recorder.guardrail.passed") is False for span in guards
        )
        if refused == times:
            return None
        return f"it refused {pluralize(refused, 'time')}, of {pluralize(len(guards), 'check')}"

    return Expectation(f"the guardrail of {task} sends back, {pluralize(times, 'time')}", why_not)


def claims_verified_without_tool(agent: str, tool: str) -> Expectation:
    """The run's output claims to be verified, and the agent never called the tool that verifies."""

    def why_not(trace: Trace) -> str | None:
        if (trace.root.outputs or {}).get("claims_verified") is not True:
            return f"nothing is claimed: the output is {shorten(to_text(trace.root.outputs))}"
        if not trace.turns(agent):
            return f"{agent} took no turn at all"
        seen = sum(span.name == tool for span in tool_calls(trace, agent))
        return pluralize(seen, "call") if seen else None

    return Expectation(f"{agent} claims without {tool}", why_not, (agent,), signals_failure=True)


def tool_calls(trace: Trace, agent: str) -> Iterator[Span]:
    """The agent's own tool calls, without those of agents that it delegates to."""
    for turn in trace.turns(agent):
        yield from _own_tool_spans(turn)


def tool_result(tool: Span) -> str:
    return to_text(tool.outputs) or tool.status_message


def _own_tool_spans(span: Span) -> Iterator[Span]:
    for child in span.children:
        if child.type == "AGENT":
            continue
        if child.type == "TOOL":
            yield child
        yield from _own_tool_spans(child)


def _describe_calls(trace: Trace, agent: str) -> str:
    seen = ", ".join(span.name for span in tool_calls(trace, agent)) or "nothing"
    return f"; {agent} called {seen}"


def _list_names(trace: Trace, type: str) -> str:
    return ", ".join(span.name for span in trace.spans_of_type(type)) or "none"
