"""Expectations about tool calls: who calls which tool, how often, and with which result."""

import re
from collections.abc import Iterator

from instrumentation.trace import Span, Trace
from scenarios.expectations.expectation import Expectation, expectation
from scenarios.expectations.wording import (
    error_suffix,
    how_often,
    list_names,
    root_attribute,
    shorten,
    to_text,
)
from scenarios.reports.wording import count_of


def calls_tool(agent: str, tool: str, *, times: int, returning: str = "") -> Expectation:
    """The agent calls the tool this many times; each result matches the pattern `returning`."""

    def explain_failure(trace: Trace) -> str | None:
        calls = calls_of(trace, agent, tool)
        if len(calls) != times:
            return f"it made {count_of(len(calls), 'call')}{describe_calls(trace, agent)}"
        other = next((call for call in calls if not re.search(returning, tool_result(call))), None)
        return f"a call returned {shorten(tool_result(other))}" if other else None

    each = "each returning" if times > 1 else "returning"
    matching = f", {each} /{returning}/" if returning else ""
    return Expectation(
        f"{agent} calls {tool} {how_often(times)}{matching}",
        explain_failure,
        (agent,),
        span_name=tool,
    )


@expectation("{agent} never calls {tool}", span_name="{tool}")
def never_calls_tool(trace: Trace, agent: str, tool: str) -> str | None:
    """The agent takes a turn and does not call the tool."""
    if not trace.turns(agent):
        return f"{agent} took no turn"
    calls = len(calls_of(trace, agent, tool))
    return f"it made {count_of(calls, 'call')}" if calls else None


@expectation(
    "{agent}'s call of {tool} fails with a message containing {message!r} {times:times}",
    span_name="{tool}",
)
def tool_call_fails(trace: Trace, agent: str, tool: str, *, times: int, message: str) -> str | None:
    """This many of the agent's calls of the tool fail with a message that contains `message`."""
    calls = calls_of(trace, agent, tool)
    failed = [call for call in calls if call.failed and message in call.status_message]
    if len(failed) == times:
        return None
    results = ", ".join(f"{call.status}{error_suffix(call)}" for call in calls) or "none"
    return f"{count_of(len(failed), 'such call')}; its calls: {results}"


@expectation("{agent} loops on {tool}", span_name="{tool}", signals_failure=True)
def loops_on_tool(trace: Trace, agent: str, tool: str) -> str | None:
    """The agent repeats one call of the tool, gets one result, and spends more tokens each time."""
    if root_attribute(trace, "flight_recorder.routing.loop_detected") is not True:
        return "no loop was detected"
    calls = calls_of(trace, agent, tool)
    different = len({(to_text(call.inputs), tool_result(call)) for call in calls})
    if len(calls) < 3 or different > 1:
        return f"it made {count_of(len(calls), 'call')}, {different} of them different"
    spent = [span.tokens.input for span in spans_of(trace, agent, "LLM")]
    grows = spent == sorted(set(spent))
    return None if grows else f"the input tokens are {', '.join(map(str, spent))}"


@expectation("no agent loops on a tool")
def never_loops(trace: Trace) -> str | None:
    """No agent repeats a tool call with the same arguments and the same result."""
    found = root_attribute(trace, "flight_recorder.routing.loop_detected")
    return None if found is False else f"flight_recorder.routing.loop_detected is {found}"


@expectation("the guardrail of {task} rejects its result {times:times}", span_name="{task}")
def guardrail_rejects(trace: Trace, task: str, *, times: int) -> str | None:
    """The guardrail of the task rejects its result this many times."""
    tasks = [span for span in trace.spans_of_type("TASK") if span.name == task]
    if not tasks:
        return f"no task has this name; tasks: {list_names(trace, 'TASK')}"
    checks = [span for found in tasks for span in found if span.type == "GUARDRAIL"]
    rejected = sum(
        span.attributes.get("flight_recorder.guardrail.passed") is False for span in checks
    )
    if rejected == times:
        return None
    return f"it rejected {rejected} of {count_of(len(checks), 'result')}"


@expectation(
    "the output claims to be verified, and {agent} never called {tool}",
    span_name="{tool}",
    signals_failure=True,
)
def claims_verified_without_tool(trace: Trace, agent: str, tool: str) -> str | None:
    """The output claims to be verified, though the agent never called the tool that verifies."""
    if (trace.root.outputs or {}).get("claims_verified") is not True:
        return f"the output claims nothing: {shorten(to_text(trace.root.outputs))}"
    return never_calls_tool(agent, tool).explain_failure(trace)


def tool_calls(trace: Trace, agent: str) -> Iterator[Span]:
    """The agent's own tool calls, without those of agents that it delegates to."""
    for turn in trace.turns(agent):
        yield from _own_tool_spans(turn)


def calls_of(trace: Trace, agent: str, tool: str) -> list[Span]:
    """The agent's own calls of one tool."""
    return [span for span in tool_calls(trace, agent) if span.name == tool]


def tool_result(call: Span) -> str:
    """What a tool call returned, as text; its error message if it returned nothing."""
    return to_text(call.outputs) or call.status_message


def describe_calls(trace: Trace, agent: str) -> str:
    """The tools that an agent did call, as the end of a sentence."""
    called = ", ".join(span.name for span in tool_calls(trace, agent)) or "no tool"
    return f"; {agent} called {called}"


def _own_tool_spans(span: Span) -> Iterator[Span]:
    for child in span.children:
        if child.type == "AGENT":
            continue
        if child.type == "TOOL":
            yield child
        yield from _own_tool_spans(child)


def spans_of(trace: Trace, agent: str, span_type: str) -> list[Span]:
    """All spans of a type in the turns of an agent."""
    return [span for turn in trace.turns(agent) for span in turn if span.type == span_type]


def task_of(turn: Span) -> str:
    """The task that an agent's turn was given."""
    return to_text((turn.inputs or {}).get("task"))
