"""An expectation of services: what one of them wrote into its caller's trace, as cause and effect.

A tool asks a service over HTTP. The attempt that failed is the caller's, the span that says why is
the service's own, and both stand beneath the tool call in one trace.
"""

from typing import Any

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.tools import tool_calls
from scenarios.expectations.wording import error_suffix, list_agents, pluralize


def failed_attempts_have_cause(agent: str, tool: str, *, service: str) -> Expectation:
    """Beneath the agent's calls of the tool, each attempt that failed has its cause beside it: a
    span of the service, which failed too and gives a reason."""

    def why_not(trace: Trace) -> str | None:
        mine = [span for span in tool_calls(trace, agent) if span.name == tool]
        if not mine:
            return f"{agent} did not call it; agents: {list_agents(trace)}"
        beneath = [span for call in mine for span in call.children]
        effects = [span for span in beneath if span.type == "ATTEMPT"]
        causes = [span for span in beneath if span.name == service]
        silent = [span for span in causes if not (span.failed and span.status_message)]
        if silent:
            return (
                f"{service} ended {silent[0].status}{error_suffix(silent[0])}, and gave no reason"
            )
        if not effects or len(effects) != len(causes):
            seen = f"{pluralize(len(effects), 'attempt')} failed"
            return f"{seen}, and {service} stands there {pluralize(len(causes), 'time')}"
        return None

    says = f"each failed attempt of {agent}'s {tool} has a reason beside it, from {service}"
    return Expectation(says, why_not, (agent,))


def receives_tool_results(agent: str, tool: str) -> Expectation:
    """What became of each of the agent's calls of the tool stands in a prompt of it."""

    def why_not(trace: Trace) -> str | None:
        called, heard = (
            _count_calls(trace, agent, tool),
            _count_received_results(trace, agent, tool),
        )
        if not called:
            return f"{agent} did not call it; agents: {list_agents(trace)}"
        if heard == called:
            return None
        return f"of {pluralize(called, 'call')} it heard {heard or 'nothing'}"

    return Expectation(f"{agent} hears what became of {tool}", why_not, (agent,))


def never_receives_tool_results(agent: str, tool: str) -> Expectation:
    """The agent called the tool, and no prompt of it says what became of that."""

    def why_not(trace: Trace) -> str | None:
        called, heard = (
            _count_calls(trace, agent, tool),
            _count_received_results(trace, agent, tool),
        )
        if not called:
            return f"{agent} did not call it; agents: {list_agents(trace)}"
        return f"of {pluralize(called, 'call')} it heard {heard}" if heard else None

    says = f"{agent} never hears what became of {tool}"
    return Expectation(says, why_not, (agent,), signals_failure=True)


def _count_calls(trace: Trace, agent: str, tool: str) -> int:
    return sum(span.name == tool for span in tool_calls(trace, agent))


def _count_received_results(trace: Trace, agent: str, tool: str) -> int:
    """How many calls of the tool have an answer in the last prompt of a turn."""
    return sum(
        named.get(message.get("tool_call_id")) == tool
        for turn in trace.turns(agent)
        for prompt in [_last_prompt(turn)]
        for named in [_tool_names_by_call_id(prompt)]
        for message in prompt
        if message.get("role") == "tool"
    )


def _last_prompt(turn: Span) -> list[dict[str, Any]]:
    """The messages of its last completion; a prompt holds all that was said before it."""
    prompts = [span.inputs for span in turn if span.type == "LLM"]
    return list((prompts[-1] or {}).get("messages", ())) if prompts else []


def _tool_names_by_call_id(prompt: list[dict[str, Any]]) -> dict[Any, str]:
    """The tool of each call in a prompt, by the call's id."""
    calls = [call for message in prompt for call in message.get("tool_calls") or ()]
    return {call.get("id"): call["function"]["name"] for call in calls}
