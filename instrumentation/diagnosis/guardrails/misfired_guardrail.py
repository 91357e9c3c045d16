"""Guardrail misfire: a guardrail blocks a call that the task asks for, and has no cause for it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from instrumentation.diagnosis.finding import Evidence, Finding, quote
from instrumentation.diagnosis.reading.span_values import as_list, as_mapping, as_number
from instrumentation.diagnosis.reading.texts import iter_fields, to_json_text, words
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "guardrail misfire"
FIX = "Count failures, or calls with the same arguments, and set the limit of all calls far higher."
GUARDRAIL_PREFIX = "flight_recorder.guardrail."
BLOCKED_ATTRIBUTE = f"{GUARDRAIL_PREFIX}blocked"
REASON_ATTRIBUTE = f"{GUARDRAIL_PREFIX}reason"
CALL_COUNT_ATTRIBUTE = f"{GUARDRAIL_PREFIX}call_count"
UPPER_BOUND = re.compile(
    r"\b(?:above|over|more than|greater than|larger than|exceed\w*)\s+(\d[\d,]*(?:\.\d+)?)", re.I
)
"""Words of a reason by which only larger numbers are blocked."""


def find_misfired_guardrails(reading: TraceReading) -> Iterator[Finding]:
    """Yield blocked calls that the task asks for, if they break no rule that the trace shows.

    No call of the tool had failed, and the arguments are as the tool demands. And the guardrail
    counts nothing so far, or its reason is not true of the arguments, or all calls of the tool were
    different ones.
    """
    for guardrail in reading.index.spans:
        if str(guardrail.attributes.get(BLOCKED_ATTRIBUTE)).lower() != "true":
            continue
        call = next((one for one in reading.index.ancestors(guardrail) if one.type == "TOOL"), None)
        if call is None or not _is_named_in_task(reading, call):
            continue
        earlier = _earlier_calls(reading, call)
        if any(one.failed for one in earlier) or _violates_schema(reading, call):
            continue
        causes = (
            _find_empty_count(guardrail),
            _find_untrue_reason(guardrail, call),
            _find_different_calls(guardrail, call, earlier),
        )
        if cause := next((one for one in causes if one), None):
            yield _build_finding(reading, guardrail, call, cause)
            return


def _is_named_in_task(reading: TraceReading, call: Span) -> bool:
    """Whether an argument of a call is in the task: the run is about this very call."""
    values = [str(value) for _, value in iter_fields(call.inputs) if value]
    return any(value in reading.index.task for value in values)


def _earlier_calls(reading: TraceReading, call: Span) -> Sequence[Span]:
    """The calls of the same tool before this one."""
    position = reading.index.position
    same_tool = (one for one in reading.index.tool_calls if one.name == call.name)
    return [one for one in same_tool if position(one) < position(call)]


def _violates_schema(reading: TraceReading, call: Span) -> bool:
    """Whether the arguments are not what the tool was defined to take, if the trace says it."""
    completions = reading.index.completions_of(reading.index.turn(call))
    schemas = (one.tools[call.name] for one in completions if call.name in one.tools)
    return violates_schema(call.inputs, next(schemas, {}))


def _find_empty_count(guardrail: Span) -> Evidence | None:
    """All that the guardrail counts is still zero, so nothing had happened that it could limit."""
    attributes = guardrail.attributes
    counts = {
        name.removeprefix(GUARDRAIL_PREFIX): as_number(value, 1.0)
        for name, value in attributes.items()
        if name.endswith("_count") and name.replace("_count", "_limit") in attributes
    }
    if not counts or any(counts.values()):
        return None
    text = ", ".join(f"{name}: 0" for name in counts)
    return quote(guardrail, text, "nothing had happened that it could limit")


def _find_untrue_reason(guardrail: Span, call: Span) -> Evidence | None:
    """The reason says "above 1000 EUR", and the argument `eur` is no such number."""
    reason = str(guardrail.attributes.get(REASON_ATTRIBUTE))
    bounds = [float(found.replace(",", "")) for found in UPPER_BOUND.findall(reason)]
    named = {
        name: value
        for name, value in iter_fields(call.inputs)
        if isinstance(value, int | float) and set(words(name)) & set(words(reason))
    }
    if not bounds or not named or any(value > min(bounds) for value in named.values()):
        return None
    text = ", ".join(f"{name}: {value}" for name, value in named.items())
    return quote(call, text, "the reason is not true of these arguments")


def _find_different_calls(guardrail: Span, call: Span, earlier: Sequence[Span]) -> Evidence | None:
    """The guardrail counts calls, and takes calls that all differ for a repetition."""
    requests = {to_json_text(one.inputs) for one in (*earlier, call)}
    if CALL_COUNT_ATTRIBUTE not in guardrail.attributes or not 0 < len(earlier) < len(requests):
        return None
    shows = f"the {len(earlier)} calls before it differ from it and from each other, and succeeded"
    return quote(earlier[-1], earlier[-1].inputs, shows)


def _build_finding(reading: TraceReading, guardrail: Span, call: Span, cause: Evidence) -> Finding:
    return reading.build_finding(
        MODE,
        guardrail,
        FIX,
        0.8,
        quote(guardrail, str(guardrail.attributes.get(REASON_ATTRIBUTE)), "it blocked a call"),
        quote(call, call.inputs, "the task names what this call asks for"),
        cause,
    )


INFINITY = float("inf")


def violates_schema(arguments: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a required argument is missing, or one breaks its pattern, list or limits."""
    known = as_mapping(arguments)
    if any(name not in known for name in as_list(schema.get("required"))):
        return True
    rules = as_mapping(schema.get("properties"))
    return any(_breaks_rule(value, as_mapping(rules.get(name))) for name, value in known.items())


def _breaks_rule(value: Any, rule: Mapping[str, Any]) -> bool:
    if (choices := as_list(rule.get("enum"))) and value not in choices:
        return True
    if isinstance(value, str):
        return "pattern" in rule and not _matches(str(rule["pattern"]), value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    least = as_number(rule.get("minimum"), -INFINITY)
    return not least <= value <= as_number(rule.get("maximum"), INFINITY)


def _matches(pattern: str, text: str) -> bool:
    """Whether a text matches; a pattern of another language's dialect refuses nothing."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True
