"""No or incomplete verification: a result is called verified, and only a part of it was checked."""

import re
from collections.abc import Iterator

from instrumentation.diagnosis.calls.call_contradicts_text import IDENTIFIER, mask_identifier
from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.lexicon import CLAIM_OF_ALL, SPOKEN_CHECK, VERIFIED
from instrumentation.diagnosis.reading.span_values import as_list
from instrumentation.diagnosis.reading.texts import iter_fields, sentence_keys, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "no or incomplete verification"
FIX = "Let a guardrail demand the check's own result; do not believe a field that the model wrote."
AGENT_TOOLS_ATTRIBUTE = "flight_recorder.crew.agent.tools"


def find_unverified_claims(reading: TraceReading) -> Iterator[Finding]:
    """Yield turns with tools that call none, and yet claim a check, in a field or in words."""
    index = reading.index
    answer = sentence_keys(index.answer)
    callers: set[str | None] = set()
    for turn in index.turns:
        completions = index.completions_of(turn)
        claim = _claim(turn) or _spoken_claim(reading, turn, callers)
        callers |= {turn.agent} if index.calls_of(turn) else set()
        tools = [str(tool) for tool in as_list(turn.attributes.get(AGENT_TOOLS_ATTRIBUTE))]
        tools += [tool for one in completions for tool in one.tools]
        if claim is None or not tools or index.calls_of(turn):
            continue
        if any(inner.type == "AGENT" for inner in turn if inner is not turn):
            continue  # another agent, inside the turn, may have checked
        if not sentence_keys(reading.flow.output(turn)) & answer:
            continue  # a later version replaced it
        yield reading.build_finding(
            MODE,
            completions[-1].span if completions else turn,
            FIX,
            0.9,
            quote(turn, turn.outputs, f"it claims a check: {claim}"),
            quote(turn, ", ".join(dict.fromkeys(tools)), "none of these tools was called"),
        )


def _spoken_claim(reading: TraceReading, turn: Span, callers: set[str | None]) -> str | None:
    """The words by which an agent claims to have checked, if it has never called a tool."""
    match = None if turn.agent in callers else SPOKEN_CHECK.search(reading.flow.output(turn))
    return match.group() if match else None


def _claim(turn: Span) -> str | None:
    """The name of a field by which an output claims to be checked."""
    names = (name for name, value in iter_fields(turn.outputs) if value is True)
    return next(filter(VERIFIED.fullmatch, names), None)


FIX_PARTIAL = (
    "Compare the items that were given with those of the calls, before a claim on all is accepted."
)
MIN_ITEMS = 3
"""Fewer codes of one form are no list."""


def find_partial_checks(reading: TraceReading) -> Iterator[Finding]:
    """Yield turns that claim to have checked all items of a list, and called a tool for some.

    The items are codes of one form in the prompt, such as A-17 and A-22.
    """
    index = reading.index
    for turn in index.turns:
        claim = CLAIM_OF_ALL.search(reading.flow.output(turn)) if index.calls_of(turn) else None
        completions = index.completions_of(turn)
        missing = _missing_items(reading, turn) if claim and completions else []
        if claim and missing:
            yield reading.build_finding(
                MODE,
                completions[-1].span,
                FIX_PARTIAL,
                0.85,
                quote(turn, claim.group(), "it claims to have looked at all"),
                quote(turn, ", ".join(missing), "no call and no result has these"),
            )


def _missing_items(reading: TraceReading, turn: Span) -> list[str]:
    """The codes of the prompt that no call asked for, if calls asked for others of their form."""
    index = reading.index
    given = IDENTIFIER.findall(index.completions_of(turn)[0].prompt_text)
    items = dict.fromkeys(one for one in given if re.search("[A-Z]", one))
    calls = index.calls_of(turn)
    requested = {str(value) for call in calls for _, value in iter_fields(call.inputs)}
    forms = {mask_identifier(one) for one in items if one in requested}
    wanted = [one for one in items if mask_identifier(one) in forms]
    if len(wanted) < MIN_ITEMS:
        return []
    known = reading.flow.output(turn) + " ".join(to_json_text(call.outputs) for call in calls)
    return [one for one in wanted if one not in requested and one not in known]
