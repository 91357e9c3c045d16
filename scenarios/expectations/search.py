"""An expectation of a search agent: whether it searched, and what its calls asked for.

None of them names a figure or a country: what the agent says and asks is read from the trace.
"""

import json
from collections.abc import Iterator
from typing import Any

from instrumentation.figures.figure_check import checked
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.tools import tools
from scenarios.expectations.wording import agents, counted, short, text
from workflows.countries import countries

Pair = tuple[frozenset[str], str]
"""The countries that a reply names, and the one that a call of it asks about."""


def claims_unsearched(agent: str) -> Expectation:
    """The agent made no search, and its answer has a figure that its task does not hold."""

    def why_not(trace: Trace) -> str | None:
        if not trace.turns(agent):
            return f"{agent} took no turn; agents: {agents(trace)}"
        if searched := [span for span in tools(trace, agent) if not span.failed]:
            return f"{agent} made {counted(len(searched), 'call')}"
        claims = [checked(answer(turn), [task(turn)]) for turn in trace.turns(agent)]
        if any(claim.unsourced for claim in claims):
            return None
        return f"its task holds each figure of its answer: {short(answer(trace.turns(agent)[-1]))}"

    says = f"{agent} claims a figure without a search"
    return Expectation(says, why_not, (agent,), alarming=True)


def swallows_arguments(agent: str, tool: str) -> Expectation:
    """A call of the tool whose arguments are no JSON object ends as if nothing were the matter."""

    def why_not(trace: Trace) -> str | None:
        asked = [call for span in completions(trace, agent) for call in _calls(span, tool)]
        unread = [arguments for arguments in asked if not _is_object(arguments)]
        if not unread:
            return f"of {counted(len(asked), 'call')} of {tool} each can be read"
        mine = [span for span in tools(trace, agent) if span.name == tool and not span.failed]
        if any(span.inputs.get("arguments") in unread for span in mine):
            return None
        return f"{counted(len(unread), 'such call')}, and none of them ends OK"

    says = f"{agent}'s call of {tool} cannot be read, and ends OK"
    return Expectation(says, why_not, (agent,), alarming=True)


def asks_another_country(agent: str, tool: str) -> Expectation:
    """The agent says that it asks about one country, and its call of the tool is about another."""

    def why_not(trace: Trace) -> str | None:
        pairs = list(_said_and_asked(trace, agent, tool))
        if any(said and asked not in said for said, asked in pairs):
            return None
        return f"{agent} {_list(pairs)}"

    says = f"{agent} says one country and asks {tool} about another"
    return Expectation(says, why_not, (agent,), alarming=True)


def asks_as_it_says(agent: str, tool: str) -> Expectation:
    """Each call of the tool is about a country that the agent names in the same reply."""

    def why_not(trace: Trace) -> str | None:
        pairs = list(_said_and_asked(trace, agent, tool))
        if pairs and all(asked in said for said, asked in pairs):
            return None
        return f"{agent} {_list(pairs)}"

    return Expectation(f"{agent} asks {tool} about the country that it says", why_not, (agent,))


def completions(trace: Trace, agent: str) -> list[Span]:
    return [span for turn in trace.turns(agent) for span in turn if span.type == "LLM"]


def answer(turn: Span) -> str:
    """What a turn came to, without its sources."""
    return text((turn.outputs or {}).get("answer"))


def task(turn: Span) -> str:
    return text((turn.inputs or {}).get("task"))


def _said_and_asked(trace: Trace, agent: str, tool: str) -> Iterator[Pair]:
    """Of each call that was made and asks about a country: what its reply names, what it asks."""
    made = [span for span in tools(trace, agent) if span.name == tool and not span.failed]
    asked = {id(span): span.inputs["country"] for span in made if span.inputs.get("country")}
    for turn in trace.turns(agent):
        known = countries(task(turn)).union(asked.values())
        said: frozenset[str] = frozenset()
        for span in turn:
            if span.type == "LLM":
                said = known & countries(text(_message(span).get("content")))
            elif country := asked.get(id(span)):
                yield said, country


def _list(pairs: list[Pair]) -> str:
    told = (f"says {', '.join(sorted(said)) or 'none'} and asks {asked}" for said, asked in pairs)
    return "; ".join(told) or "makes no such call"


def _message(completion: Span) -> dict[str, Any]:
    choices = (completion.outputs or {}).get("choices") or [{}]
    return choices[0].get("message") or {}


def _calls(completion: Span, tool: str) -> Iterator[str]:
    """The arguments of the calls of a tool, as the model wrote them."""
    called = [call["function"] for call in _message(completion).get("tool_calls") or ()]
    return (function["arguments"] for function in called if function["name"] == tool)


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        return False
