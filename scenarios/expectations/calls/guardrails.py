"""Expectations about guardrails: what they block, allow or send back, and their token budgets."""

import re

from instrumentation.trace import Span, Trace
from scenarios.expectations.expectation import Expectation, expectation
from scenarios.expectations.wording import how_often, list_names, shorten, to_text
from scenarios.reports.wording import count_of

GUARDRAIL_PREFIX = "flight_recorder.guardrail."


def guardrail_blocks(
    guardrail: str, *, tool: str = "", times: int = 1, reason: str = ""
) -> Expectation:
    """The guardrail blocks this many calls, with `reason` in the reason of each."""

    def explain_failure(trace: Trace) -> str | None:
        checks = _find_checks(trace, guardrail, tool)
        if not checks:
            return f"it made no check; guardrails: {list_names(trace, 'GUARDRAIL')}"
        blocked = [
            str(one.attributes.get(f"{GUARDRAIL_PREFIX}reason")) for one in checks if _blocks(one)
        ]
        if len(blocked) != times:
            return f"it blocked {len(blocked)} of {count_of(len(checks), 'call')}"
        other = [text for text in blocked if reason not in text]
        return f"its reason is {other[0]!r}" if other else None

    of_tool = f" of {tool}" if tool else ""
    because = f" because of {reason!r}" if reason else ""
    calls = count_of(times, "call")
    return Expectation(
        f"{guardrail} blocks {calls}{of_tool}{because}", explain_failure, span_name=guardrail
    )


def guardrail_allows(guardrail: str, *, tool: str = "") -> Expectation:
    """The guardrail checks calls, and blocks none."""

    def explain_failure(trace: Trace) -> str | None:
        checks = _find_checks(trace, guardrail, tool)
        if not checks:
            return f"it made no check; guardrails: {list_names(trace, 'GUARDRAIL')}"
        blocked = sum(map(_blocks, checks))
        return f"it blocked {how_often(blocked)}" if blocked else None

    of_tool = f" of {tool}" if tool else ""
    return Expectation(
        f"{guardrail} allows every call{of_tool}", explain_failure, span_name=guardrail
    )


@expectation("{guardrail} sends back a text that matches /{pattern}/", span_name="{guardrail}")
def guardrail_sends_back(trace: Trace, guardrail: str, pattern: str) -> str | None:
    """The guardrail rejects a text that matches the pattern."""
    checks = [span for span in trace.spans_of_type("GUARDRAIL") if span.name == guardrail]
    if not checks:
        return f"it made no check; guardrails: {list_names(trace, 'GUARDRAIL')}"
    rejected = [
        to_text(span.inputs)
        for span in checks
        if span.attributes.get(f"{GUARDRAIL_PREFIX}passed") is False
    ]
    if any(re.search(pattern, text) for text in rejected):
        return None
    return f"it rejected {'; '.join(map(shorten, rejected)) or 'nothing'}"


@expectation(
    "the run spends more tokens than {guardrail} allows",
    span_name="{guardrail}",
    signals_failure=True,
)
def exceeds_budget(trace: Trace, guardrail: str) -> str | None:
    """The completions of the run use more tokens than the guardrail's limit."""
    return _explain_spending(trace, guardrail, within=False)


@expectation("the run spends no more tokens than {guardrail} allows", span_name="{guardrail}")
def stays_within_budget(trace: Trace, guardrail: str) -> str | None:
    """The completions of the run use no more tokens than the guardrail's limit."""
    return _explain_spending(trace, guardrail, within=True)


def _explain_spending(trace: Trace, guardrail: str, *, within: bool) -> str | None:
    limits = [
        one.attributes.get(f"{GUARDRAIL_PREFIX}token_limit")
        for one in _find_checks(trace, guardrail, "")
    ]
    if not limits or limits[-1] is None:
        return f"no check has a limit; guardrails: {list_names(trace, 'GUARDRAIL')}"
    spent = sum(span.tokens.total for span in trace.spans_of_type("LLM"))
    if not spent:
        return "no completion has its tokens recorded"
    return None if (spent <= limits[-1]) is within else f"it spends {spent} of {limits[-1]} tokens"


def _find_checks(trace: Trace, guardrail: str, tool: str) -> list[Span]:
    return [
        span
        for span in trace.spans_of_type("GUARDRAIL")
        if span.name == guardrail
        and (not tool or span.attributes.get(f"{GUARDRAIL_PREFIX}tool") == tool)
    ]


def _blocks(check: Span) -> bool:
    return check.attributes.get(f"{GUARDRAIL_PREFIX}blocked") is True
