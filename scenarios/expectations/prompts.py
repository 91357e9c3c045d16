"""Expectations about prompts: which texts, figures and tool results an agent is given."""

import re
from collections.abc import Iterator
from typing import Any

from instrumentation.figures import extract_figures
from instrumentation.trace import Span, Trace
from scenarios.expectations.calls.tools import calls_of
from scenarios.expectations.expectation import expectation
from scenarios.expectations.figure_matching import is_same_figure
from scenarios.expectations.wording import list_agents, shorten, to_text
from scenarios.reports.wording import count_of

MIN_FIGURES_SHARE = 0.8
"""From this share of the sender's figures on, the figures have been handed off."""


@expectation("every prompt of {agent} contains /{pattern}/")
def every_prompt_contains(trace: Trace, agent: str, pattern: str) -> str | None:
    """This pattern matches in the prompt of each completion of the agent."""
    prompts = [prompt for turn in trace.turns(agent) for prompt in _prompts(turn)]
    if not prompts:
        return _no_completion(trace, agent)
    lacking = sum(not re.search(pattern, prompt) for prompt in prompts)
    return f"{lacking} of its {len(prompts)} prompts lack it" if lacking else None


@expectation("no prompt of {agent} contains /{pattern}/")
def no_prompt_contains(trace: Trace, agent: str, pattern: str) -> str | None:
    """The agent makes a completion, and this pattern matches in none of its prompts."""
    prompts = [prompt for turn in trace.turns(agent) for prompt in _prompts(turn)]
    if not prompts:
        return _no_completion(trace, agent)
    found = [match for prompt in prompts if (match := re.search(pattern, prompt))]
    return f"a prompt contains {found[0].group()!r}" if found else None


@expectation("the figures of {sender} reach {receiver}", agents=("sender", "receiver"))
def hands_off_figures(trace: Trace, sender: str, receiver: str) -> str | None:
    """The figures that the sender stated are in the receiver's prompt, in whatever words."""
    share = _arrived_share(trace, sender, receiver)
    if isinstance(share, str):
        return share
    return None if share >= MIN_FIGURES_SHARE else f"only {share:.0%} of the figures arrived"


@expectation(
    "the figures of {sender} are lost on the way to {receiver}",
    agents=("sender", "receiver"),
    signals_failure=True,
)
def loses_figures(trace: Trace, sender: str, receiver: str) -> str | None:
    """The sender stated figures, and none of them is in the receiver's prompt."""
    share = _arrived_share(trace, sender, receiver)
    if isinstance(share, str):
        return share
    return f"{share:.0%} of the figures arrived" if share else None


@expectation("{agent} receives the results of {tool}")
def receives_tool_results(trace: Trace, agent: str, tool: str) -> str | None:
    """The result of each of the agent's calls of the tool is in one of its prompts."""
    return _explain_received(trace, agent, tool, len(calls_of(trace, agent, tool)))


@expectation("{agent} never receives the results of {tool}", signals_failure=True)
def never_receives_tool_results(trace: Trace, agent: str, tool: str) -> str | None:
    """The agent called the tool, and no prompt of the agent contains a result."""
    return _explain_received(trace, agent, tool, 0)


@expectation("{agent} remembers the earlier turns")
def remembers_earlier_turns(trace: Trace, agent: str) -> str | None:
    """In each turn of a session, the agent's prompt has all earlier messages, in order."""
    if len(trace.roots) < 2:
        return f"there is nothing to remember in {count_of(len(trace.roots), 'turn')}"
    earlier: list[str] = []
    for number, root in enumerate(trace.roots, 1):
        turns = [span for span in root if span.type == "AGENT" and span.agent == agent]
        completions = [span for turn in turns for span in turn if span.type == "LLM"]
        if not completions:
            return f"in turn {number}, {_no_completion(trace, agent)}"
        if missing := _first_missing(earlier, completions[0]):
            return f"the prompt of turn {number} lacks {shorten(missing)!r}"
        earlier += [message["content"] for message in _session_messages(root)]
    return None


def _explain_received(trace: Trace, agent: str, tool: str, expected: int) -> str | None:
    called, received = len(calls_of(trace, agent, tool)), _received_results(trace, agent, tool)
    if not called:
        return f"{agent} did not call it; agents at work: {list_agents(trace)}"
    if received == expected:
        return None
    return f"of {count_of(called, 'call')} it received {count_of(received, 'result')}"


def _no_completion(trace: Trace, agent: str) -> str:
    return f"{agent} made no completion; agents at work: {list_agents(trace)}"


def _arrived_share(trace: Trace, sender: str, receiver: str) -> float | str:
    """The share of the sender's figures that are in the first prompt of the receiver's last turn.

    Counts figures that the sender stated before that turn. Returns a sentence if there is nothing
    to compare.
    """
    all_turns = trace.spans_of_type("AGENT")
    positions = [number for number, turn in enumerate(all_turns) if turn.agent == receiver]
    prompts = list(_prompts(all_turns[positions[-1]])) if positions else []
    if not prompts:
        return _no_completion(trace, receiver)
    earlier = [turn for turn in all_turns[: positions[-1]] if turn.agent == sender]
    sent = {figure.value for turn in earlier for figure in extract_figures(to_text(turn.outputs))}
    if not sent:
        return f"{sender} had stated no figure"
    given = {figure.value for figure in extract_figures(prompts[0])}
    found = sum(any(is_same_figure(exact, other) for other in given) for exact in sent)
    return found / len(sent)


def _prompts(turn: Span) -> Iterator[str]:
    """The prompt of each completion of a turn, without those of agents that it delegates to."""
    for child in turn.children:
        if child.type == "LLM":
            messages = child.inputs.get("messages", [])
            yield "\n".join(to_text(message.get("content")) for message in messages)
        elif child.type != "AGENT":
            yield from _prompts(child)


def _received_results(trace: Trace, agent: str, tool: str) -> int:
    """How many results of the tool are in the last prompts of the agent's turns."""
    return sum(
        tools.get(message.get("tool_call_id")) == tool
        for turn in trace.turns(agent)
        for messages in [_last_messages(turn)]
        for tools in [_tools_by_call_id(messages)]
        for message in messages
        if message.get("role") == "tool"
    )


def _last_messages(turn: Span) -> list[dict[str, Any]]:
    """The messages of a turn's last completion. They repeat all messages before it."""
    prompts = [span.inputs for span in turn if span.type == "LLM"]
    return list((prompts[-1] or {}).get("messages", ())) if prompts else []


def _tools_by_call_id(messages: list[dict[str, Any]]) -> dict[Any, str]:
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    return {call.get("id"): call["function"]["name"] for call in calls}


def _first_missing(earlier: list[str], completion: Span) -> str | None:
    """The first of the earlier messages that the prompt lacks, or has out of order."""
    prompt = iter([message.get("content") for message in completion.inputs["messages"]])
    return next((text for text in earlier if text not in prompt), None)


def _session_messages(turn: Span) -> list[dict[str, str]]:
    """The messages of a turn of a session: the user's, then the answer."""
    sides = (turn.inputs or {}, turn.outputs or {})
    return [message for side in sides for message in side.get("messages", [])]
