"""Routing and claims: each expectation can hold, each can fail, and says what was seen."""

from typing import Any

import pytest

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.delegation import delegates_to, delegates_without_calling
from scenarios.expectations.tools import claims_verified_without_tool
from scenarios.reports.origin_marker import find_origin_span
from scenarios.scenario import Origin


def turn(agent: str, *inside: Span) -> Span:
    return Span(agent, "AGENT", attributes={"gen_ai.agent.name": agent}, children=inside)


def task(name: str, *inside: Span) -> Span:
    return Span(name, "TASK", children=(turn("manager", *inside),))


def handed(receiver: str, kind: str = "delegation") -> Span:
    told = {
        "flight_recorder.handoff.from_agent": "manager",
        "flight_recorder.handoff.to_agent": receiver,
        "flight_recorder.handoff.kind": kind,
    }
    return Span(f"manager → {receiver}", "HANDOFF", attributes=told)


def run(*tasks: Span, claims: bool = True) -> Trace:
    outputs: dict[str, Any] = {"claims_verified": claims}
    return Trace((Span("briefing", "CHAIN", outputs=outputs, children=tasks),))


LOOKS_UP, CHECKS = Span("look_up", "TOOL"), Span("check", "TOOL")
TO_WRITER = task("figures", handed("writer"), turn("writer"))
TO_BOTH = task(
    "figures", handed("writer"), turn("writer"), handed("seeker"), turn("seeker", LOOKS_UP)
)
BY_ITSELF = task("figures", handed("writer", "context"), LOOKS_UP)
BRIEFING = task("briefing", handed("writer"), turn("writer", CHECKS))


@pytest.mark.parametrize(
    ("expectation", "trace"),
    [
        (delegates_to("manager", "writer", times=2), run(TO_WRITER, BRIEFING)),
        (delegates_to("manager", "seeker"), run(TO_BOTH)),
        (delegates_without_calling("figures", tool="look_up"), run(TO_WRITER, BRIEFING)),
        (claims_verified_without_tool("writer", "check"), run(TO_WRITER)),
    ],
    ids=lambda value: value.description if isinstance(value, Expectation) else "",
)
def test_it_holds(expectation: Expectation, trace: Trace) -> None:
    assert expectation.explain_failure(trace) is None


@pytest.mark.parametrize(
    ("expectation", "trace", "reason"),
    [
        (
            delegates_to("manager", "seeker"),
            run(TO_WRITER),
            "0 times; delegations: manager → writer",
        ),
        (delegates_to("manager", "writer"), run(BY_ITSELF), "0 times; delegations: none"),
        (
            delegates_without_calling("figures", tool="look_up"),
            run(TO_BOTH),
            "1 call of look_up; delegations: manager → writer, manager → seeker",
        ),
        (
            delegates_without_calling("figures", tool="look_up"),
            run(BY_ITSELF),
            "it is not delegated",
        ),
        (delegates_without_calling("figure", tool="look_up"), run(TO_WRITER), "tasks: figures"),
        (claims_verified_without_tool("writer", "check"), run(BRIEFING), "1 call"),
        (
            claims_verified_without_tool("writer", "check"),
            run(TO_WRITER, claims=False),
            "nothing is claimed",
        ),
        (claims_verified_without_tool("poet", "check"), run(TO_WRITER), "poet took no turn"),
    ],
)
def test_it_fails_and_says_what_was_seen(
    expectation: Expectation, trace: Trace, reason: str
) -> None:
    assert reason in (expectation.explain_failure(trace) or "it holds")


def test_an_origin_is_looked_for_in_its_task() -> None:
    trace = run(TO_WRITER, BRIEFING)
    first, second = trace.handoffs("manager", "writer")
    assert find_origin_span(trace, Origin("manager", "manager → writer", task="figures")) is first
    assert find_origin_span(trace, Origin("manager", "manager → writer")) is second
    assert (
        find_origin_span(trace, Origin("manager", "manager → writer", task="no such task")) is None
    )
