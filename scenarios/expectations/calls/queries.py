"""Expectations about the arguments of an agent's queries: the country asked for, valid JSON.

No expectation names a country: it is read from the trace.
"""

from collections.abc import Iterator
from typing import Any

from instrumentation.trace import Span, Trace
from instrumentation.trace.formats.json_documents import decode_json
from scenarios.expectations.calls.tools import calls_of, spans_of, task_of
from scenarios.expectations.expectation import expectation
from scenarios.expectations.wording import to_text
from scenarios.reports.wording import count_of
from workflows.support.search.checks import country_codes

StatedAndQueried = tuple[frozenset[str], str]
"""The countries that a reply names, and the country that a call of the reply asks for."""


@expectation(
    "{agent} calls {tool} with malformed arguments, and the call ends with status OK",
    span_name="{tool}",
    signals_failure=True,
)
def ignores_malformed_arguments(trace: Trace, agent: str, tool: str) -> str | None:
    """A call of the tool whose arguments are not a JSON object ends with the status OK."""
    completions = spans_of(trace, agent, "LLM")
    written = [text for span in completions for text in _call_arguments(span, tool)]
    malformed = [arguments for arguments in written if not isinstance(decode_json(arguments), dict)]
    if not malformed:
        return f"the arguments of all {count_of(len(written), 'call')} of {tool} are valid"
    succeeded = [call for call in calls_of(trace, agent, tool) if not call.failed]
    if any(call.inputs.get("arguments") in malformed for call in succeeded):
        return None
    return f"{count_of(len(malformed), 'such call')}, none with the status OK"


@expectation("{agent} asks {tool} for the country that it names", span_name="{tool}")
def queries_stated_country(trace: Trace, agent: str, tool: str) -> str | None:
    """Each call of the tool asks for a country that the agent names in the same reply."""
    pairs = list(_stated_and_queried(trace, agent, tool))
    if pairs and all(queried in stated for stated, queried in pairs):
        return None
    return f"{agent} {_describe_pairs(pairs)}"


@expectation(
    "{agent} names one country and asks {tool} for another",
    span_name="{tool}",
    signals_failure=True,
)
def queries_another_country(trace: Trace, agent: str, tool: str) -> str | None:
    """The agent names one country in a reply, and its call of the tool asks for another."""
    pairs = list(_stated_and_queried(trace, agent, tool))
    if any(stated and queried not in stated for stated, queried in pairs):
        return None
    return f"{agent} {_describe_pairs(pairs)}"


def _stated_and_queried(trace: Trace, agent: str, tool: str) -> Iterator[StatedAndQueried]:
    """Yield what the reply names, and what the call asks for, of each successful country call."""
    calls = [call for call in calls_of(trace, agent, tool) if not call.failed]
    queried = {id(call): call.inputs["country"] for call in calls if call.inputs.get("country")}
    for turn in trace.turns(agent):
        known = country_codes(task_of(turn)).union(queried.values())
        stated: frozenset[str] = frozenset()
        for span in turn:
            if span.type == "LLM":
                stated = known & country_codes(to_text(_message(span).get("content")))
            elif country := queried.get(id(span)):
                yield stated, country


def _describe_pairs(pairs: list[StatedAndQueried]) -> str:
    sentences = (
        f"names {', '.join(sorted(stated)) or 'none'} and asks for {queried}"
        for stated, queried in pairs
    )
    return "; ".join(sentences) or "makes no such call"


def _message(completion: Span) -> dict[str, Any]:
    choices = (completion.outputs or {}).get("choices") or [{}]
    return choices[0].get("message") or {}


def _call_arguments(completion: Span, tool: str) -> Iterator[str]:
    """The arguments of a completion's calls of a tool, as the model wrote them."""
    functions = [call["function"] for call in _message(completion).get("tool_calls") or ()]
    return (function["arguments"] for function in functions if function["name"] == tool)
