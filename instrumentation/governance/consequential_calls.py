"""List a run's calls of tools with consequences: who authorized each, and whether it was made."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from instrumentation.governance.guardrail_use import is_blocked, name_of, value_of
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace

AUTHORIZATION = "authorization"


@dataclass(frozen=True)
class ConsequentialCall:
    """A call of a tool that has consequences.

    Attributes:
        agent: The agent that made the call; "" if the trace does not say.
        outcome: "made"; "blocked"; "failed", if the tool itself failed; or "made although blocked",
            if the program ignored the guardrail.
        authorized_by: Who allowed the call; "" if nobody did.
        is_checked: Whether an authorization was asked at all.
    """

    tool: str
    arguments: Any
    agent: str
    outcome: str
    authorized_by: str
    is_checked: bool


def list_consequential_calls(
    trace: Trace, tools: Iterable[str] = ()
) -> tuple[ConsequentialCall, ...]:
    """List the calls of the tools that an authorization has a rule for, and of `tools`."""
    checks = [span for span in trace.spans_of_type("GUARDRAIL") if _is_authorization(span)]
    consequential = {str(value_of(check, "tool")) for check in checks} | set(tools)
    calls: list[ConsequentialCall] = []
    pending: list[Span] = []
    """Checks that were made before the span of their call was opened."""
    inside: set[int] = set()
    for span, agent in ((span, agent) for root in trace.roots for span, agent in _walk(root, "")):
        if span.type == "TOOL" and _tool_name(span) in consequential:
            own = [inner for inner in span if _is_authorization(inner)]
            inside |= set(map(id, own))
            check = own[-1] if own else _take(pending, _tool_name(span))
            calls.append(_describe(span, agent, check))
        elif _is_authorization(span) and id(span) not in inside:
            if is_blocked(span):
                calls.append(_describe_blocked(span, agent))
            else:
                pending.append(span)
    return tuple(calls)


def _walk(span: Span, agent: str) -> Iterator[tuple[Span, str]]:
    """Yield each span with the agent whose turn it belongs to; parents before their children."""
    agent = span.agent or agent
    yield span, agent
    for child in span.children:
        yield from _walk(child, agent)


def _is_authorization(span: Span) -> bool:
    return span.type == "GUARDRAIL" and name_of(span) == AUTHORIZATION


def _tool_name(span: Span) -> str:
    return str(span.attributes.get("gen_ai.tool.name") or span.name)


def _take(pending: list[Span], tool: str) -> Span | None:
    found = next((check for check in pending if value_of(check, "tool") == tool), None)
    if found is not None:
        pending.remove(found)
    return found


def _describe(call: Span, agent: str, check: Span | None) -> ConsequentialCall:
    reasons = [
        str(value_of(inner, "reason"))
        for inner in (*call, *([check] if check else []))
        if inner.type == "GUARDRAIL" and is_blocked(inner)
    ]
    outcome = "failed" if call.failed else "made"
    if reasons:
        has_result = call.outputs is not None and not any(
            reason in str(call.outputs) for reason in reasons
        )
        outcome = "made although blocked" if has_result and not call.failed else "blocked"
    by = str(value_of(check, "authorized_by") or "") if check else ""
    arguments = call.inputs if call.inputs is not None else _checked_arguments(check)
    return ConsequentialCall(_tool_name(call), arguments, agent, outcome, by, check is not None)


def _describe_blocked(check: Span, agent: str) -> ConsequentialCall:
    tool = str(value_of(check, "tool"))
    return ConsequentialCall(tool, _checked_arguments(check), agent, "blocked", "", is_checked=True)


def _checked_arguments(check: Span | None) -> Any:
    inputs = check.inputs if check else None
    return inputs.get("arguments") if isinstance(inputs, dict) else None
