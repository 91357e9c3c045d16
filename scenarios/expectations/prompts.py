"""An expectation of prompts: what an agent is told, and which figures are handed to it."""

import re
from collections.abc import Iterator

from instrumentation.figures.figure_check import extract_figures
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.figures import is_same_figure
from scenarios.expectations.wording import list_agents, to_text

MIN_FIGURES_SHARE = 0.8
"""The share of a sender's figures that must be found for them to have been handed over."""


def every_prompt_contains(agent: str, pattern: str) -> Expectation:
    """This pattern stands in the prompt of each completion of the agent."""

    def why_not(trace: Trace) -> str | None:
        prompts = [prompt for turn in trace.turns(agent) for prompt in _prompts(turn)]
        if not prompts:
            return f"{agent} made no completion; agents: {list_agents(trace)}"
        without = sum(not re.search(pattern, prompt) for prompt in prompts)
        return f"{without} of its {len(prompts)} prompts lack it" if without else None

    return Expectation(f"{agent} is told /{pattern}/", why_not, (agent,))


def no_prompt_contains(agent: str, pattern: str) -> Expectation:
    """This pattern stands in no prompt of the agent, though it was at work."""

    def why_not(trace: Trace) -> str | None:
        prompts = [prompt for turn in trace.turns(agent) for prompt in _prompts(turn)]
        if not prompts:
            return f"{agent} made no completion; agents: {list_agents(trace)}"
        found = [found for prompt in prompts if (found := re.search(pattern, prompt))]
        return f"a prompt of its has {found[0].group()!r}" if found else None

    return Expectation(f"{agent} is not told /{pattern}/", why_not, (agent,))


def hands_off_figures(sender: str, receiver: str) -> Expectation:
    """The figures of the sender's output stand in what the receiver is given, in whatever words."""

    def why_not(trace: Trace) -> str | None:
        share = _arrived_share(trace, sender, receiver)
        if isinstance(share, str):
            return share
        return None if share >= MIN_FIGURES_SHARE else f"{share:.0%} of its figures arrived"

    return Expectation(f"hands the figures of {sender} to {receiver}", why_not, (sender, receiver))


def loses_figures(sender: str, receiver: str) -> Expectation:
    """Of the figures of the sender's output none stands in what the receiver is given."""

    def why_not(trace: Trace) -> str | None:
        share = _arrived_share(trace, sender, receiver)
        if isinstance(share, str):
            return share
        return f"{share:.0%} of its figures arrived" if share else None

    says = f"loses the figures of {sender} on the way to {receiver}"
    return Expectation(says, why_not, (sender, receiver), signals_failure=True)


def _arrived_share(trace: Trace, sender: str, receiver: str) -> float | str:
    """The share of the figures that the sender had stated before the receiver's last turn, which is
    found in what that turn began with."""
    at_work = trace.spans_of_type("AGENT")
    turns = [number for number, turn in enumerate(at_work) if turn.agent == receiver]
    prompts = list(_prompts(at_work[turns[-1]])) if turns else []
    if not prompts:
        return f"{receiver} made no completion; agents: {list_agents(trace)}"
    earlier = [turn for turn in at_work[: turns[-1]] if turn.agent == sender]
    sent = {figure.value for turn in earlier for figure in extract_figures(to_text(turn.outputs))}
    if not sent:
        return f"{sender} had stated no figure"
    given = {figure.value for figure in extract_figures(prompts[0])}
    found = sum(any(is_same_figure(one, other) for other in given) for one in sent)
    return found / len(sent)


def _prompts(turn: Span) -> Iterator[str]:
    """What each completion of a turn was asked, without those of coworkers that it delegates to."""
    for child in turn.children:
        if child.type == "LLM":
            messages = child.inputs.get("messages", [])
            yield "\n".join(to_text(message.get("content")) for message in messages)
        elif child.type != "AGENT":
            yield from _prompts(child)
