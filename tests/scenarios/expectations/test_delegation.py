"""Expectations about delegation and claims: each can hold and fail, and explains its failure."""

from typing import Any

import pytest

from instrumentation.trace import Span, Trace
from scenarios.expectations import (
    Expectation,
    claims_verified_without_tool,
    delegates_to,
    delegates_without_calling,
)


def turn(agent: str, *inside: Span) -> Span:
    return Span(agent, "AGENT", attributes={"gen_ai.agent.name": agent}, children=inside)


def task(name: str, *inside: Span) -> Span:
    return Span(name, "TASK", children=(turn("manager", *inside),))


def handoff(receiver: str, kind: str = "delegation") -> Span:
    attributes = {
        "flight_recorder.handoff.from_agent": "manager",
        "flight_recorder.handoff.to_agent": receiver,
        "flight_recorder.handoff.kind": kind,
    }
    return Span(f"manager → {receiver}", "HANDOFF", attributes=attributes)


def run(*tasks: Span, claims: bool = True) -> Trace:
    outputs: dict[str, Any] = {"claims_verified": claims}
    return Trace((Span("briefing", "CHAIN", outputs=outputs, children=tasks),))


LOOKS_UP, CHECKS = Span("look_up", "TOOL"), Span("check", "TOOL")
TO_WRITER = task("figures", handoff("writer"), turn("writer"))
TO_BOTH = task(
    "figures", handoff("writer"), turn("writer"), handoff("seeker"), turn("seeker", LOOKS_UP)
)
BY_ITSELF = task("figures", handoff("writer", "context"), LOOKS_UP)
BRIEFING = task("briefing", handoff("writer"), turn("writer", CHECKS))


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
def test_expectation_holds(expectation: Expectation, trace: Trace) -> None:
    assert expectation.explain_failure(trace) is None


@pytest.mark.parametrize(
    ("expectation", "trace", "reason"),
    [
        (
            delegates_to("manager", "seeker"),
            run(TO_WRITER),
            "0 such delegations; delegations of the run: manager → writer",
        ),
        (
            delegates_to("manager", "writer"),
            run(BY_ITSELF),
            "0 such delegations; delegations of the run: none",
        ),
        (
            delegates_without_calling("figures", tool="look_up"),
            run(TO_BOTH),
            "1 call of look_up; delegations: manager → writer, manager → seeker",
        ),
        (
            delegates_without_calling("figures", tool="look_up"),
            run(BY_ITSELF),
            "the task is not delegated",
        ),
        (delegates_without_calling("figure", tool="look_up"), run(TO_WRITER), "tasks: figures"),
        (claims_verified_without_tool("writer", "check"), run(BRIEFING), "1 call"),
        (
            claims_verified_without_tool("writer", "check"),
            run(TO_WRITER, claims=False),
            "the output claims nothing",
        ),
        (claims_verified_without_tool("poet", "check"), run(TO_WRITER), "poet took no turn"),
    ],
)
def test_failed_expectation_explains_itself(
    expectation: Expectation, trace: Trace, reason: str
) -> None:
    assert reason in (expectation.explain_failure(trace) or "it holds")
