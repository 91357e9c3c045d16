"""An expectation of a search agent: whether it searched, and what its calls asked for.

None of them names a figure or a country: what the agent says and asks is read from the trace.
"""

import json
from collections.abc import Iterator
from typing import Any

from instrumentation.figures.figure_check import check_figures
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.tools import tool_calls
from scenarios.expectations.wording import list_agents, pluralize, shorten, to_text
from workflows.countries import countries

StatedAndQueried = tuple[frozenset[str], str]
"""The countries that a reply names, and the one that a call of it asks about."""


def claims_figure_without_search(agent: str) -> Expectation:
    """The agent made no search, and its answer has a figure that its task does not hold."""

    def why_not(trace: Trace) -> str | None:
        if not trace.turns(agent):
            return f"{agent} took no turn; agents: {list_agents(trace)}"
        if searched := [span for span in tool_calls(trace, agent) if not span.failed]:
            return f"{agent} made {pluralize(len(searched), 'call')}"
        claims = [
            check_figures(turn_answer(turn), [turn_task(turn)]) for turn in trace.turns(agent)
        ]
        if any(claim.unsupported for claim in claims):
            return None
        return f"its task holds each figure of its answer: {shorten(turn_answer(trace.turns(agent)[-1]))}"

    says = f"{agent} claims a figure without a search"
    return Expectation(says, why_not, (agent,), signals_failure=True)


def ignores_malformed_arguments(agent: str, tool: str) -> Expectation:
    """A call of the tool whose arguments are no JSON object ends as if nothing were the matter."""

    def why_not(trace: Trace) -> str | None:
        asked = [
            call for span in completion_spans(trace, agent) for call in _call_arguments(span, tool)
        ]
        unread = [arguments for arguments in asked if not _is_object(arguments)]
        if not unread:
            return f"of {pluralize(len(asked), 'call')} of {tool} each can be read"
        mine = [span for span in tool_calls(trace, agent) if span.name == tool and not span.failed]
        if any(span.inputs.get("arguments") in unread for span in mine):
            return None
        return f"{pluralize(len(unread), 'such call')}, and none of them ends OK"

    says = f"{agent}'s call of {tool} cannot be read, and ends OK"
    return Expectation(says, why_not, (agent,), signals_failure=True)


def queries_another_country(agent: str, tool: str) -> Expectation:
    """The agent says that it asks about one country, and its call of the tool is about another."""

    def why_not(trace: Trace) -> str | None:
        pairs = list(_stated_and_queried(trace, agent, tool))
        if any(said and asked not in said for said, asked in pairs):
            return None
        return f"{agent} {_describe_pairs(pairs)}"

    says = f"{agent} says one country and asks {tool} about another"
    return Expectation(says, why_not, (agent,), signals_failure=True)


def queries_stated_country(agent: str, tool: str) -> Expectation:
    """Each call of the tool is about a country that the agent names in the same reply."""

    def why_not(trace: Trace) -> str | None:
        pairs = list(_stated_and_queried(trace, agent, tool))
        if pairs and all(asked in said for said, asked in pairs):
            return None
        return f"{agent} {_describe_pairs(pairs)}"

    return Expectation(f"{agent} asks {tool} about the country that it says", why_not, (agent,))


def completion_spans(trace: Trace, agent: str) -> list[Span]:
    return [span for turn in trace.turns(agent) for span in turn if span.type == "LLM"]


def turn_answer(turn: Span) -> str:
    """What a turn came to, without its sources."""
    return to_text((turn.outputs or {}).get("answer"))


def turn_task(turn: Span) -> str:
    return to_text((turn.inputs or {}).get("task"))


def _stated_and_queried(trace: Trace, agent: str, tool: str) -> Iterator[StatedAndQueried]:
    """Of each call that was made and asks about a country: what its reply names, what it asks."""
    made = [span for span in tool_calls(trace, agent) if span.name == tool and not span.failed]
    asked = {id(span): span.inputs["country"] for span in made if span.inputs.get("country")}
    for turn in trace.turns(agent):
        known = countries(turn_task(turn)).union(asked.values())
        said: frozenset[str] = frozenset()
        for span in turn:
            if span.type == "LLM":
                said = known & countries(to_text(_message(span).get("content")))
            elif country := asked.get(id(span)):
                yield said, country


def _describe_pairs(pairs: list[StatedAndQueried]) -> str:
    told = (f"says {', '.join(sorted(said)) or 'none'} and asks {asked}" for said, asked in pairs)
    return "; ".join(told) or "makes no such call"


def _message(completion: Span) -> dict[str, Any]:
    choices = (completion.outputs or {}).get("choices") or [{}]
    return choices[0].get("message") or {}


def _call_arguments(completion: Span, tool: str) -> Iterator[str]:
    """The arguments of the calls of a tool, as the model wrote them."""
    called = [call["function"] for call in _message(completion).get("tool_calls") or ()]
    return (function["arguments"] for function in called if function["name"] == tool)


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        return False
