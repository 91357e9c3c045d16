"""The cases of CrewAI."""

from integrations.cases.case import Case
from integrations.cases.crewai_replies import (
    EMBEDDED,
    FINDS_AND_NOTES,
    FOUND,
    NOTED,
    delegates,
    looks_up,
)
from integrations.cases.scripted_replies import Line, says
from scenarios.replay.faults import held, rate_limited, unavailable

TAKING_TURNS = (
    held("scout", 1, until={"ranger": 1}),
    held("ranger", 1, until={"scout": 2}),
    held("scout", 2, until={"ranger": 2}),
    held("ranger", 2, until={"scout": 2}, delay_s=0.2),
)
"""What two agents do at once, in an order of its own: the scout is always the first to be done."""


def pair(name: str, title: str, *lines: Line) -> Case:
    """The scout finds something, by these lines or the usual ones, and the clerk notes it."""
    return Case(
        name,
        "crewai",
        title,
        lines or FINDS_AND_NOTES,
        turns=("scout", "clerk"),
        handoffs=(("scout", "clerk"),),
    )


CASES = (
    pair("sequential", "sequential"),
    Case(
        "hierarchical",
        "crewai",
        "hierarchical",
        lines=(
            *delegates("scout"),
            *looks_up("scout", "Furka"),
            says("scout", FOUND),
            says("manager", NOTED, when="Furka pass is open"),
        ),
        turns=("manager", "scout"),
        handoffs=(("manager", "scout"), ("scout", "manager")),
    ),
    Case(
        "async_task",
        "crewai",
        "async task",
        lines=(
            *looks_up("scout", "Furka"),
            *looks_up("ranger", "Andermatt"),
            says("scout", FOUND),
            says("ranger", "It snows."),
            says("clerk", "Noted: open, and it snows."),
        ),
        turns=("scout", "ranger", "clerk"),
        handoffs=(("scout", "clerk"), ("ranger", "clerk")),
        faults=TAKING_TURNS,
    ),
    pair("kickoff_async", "kickoff_async"),
    pair("akickoff", "akickoff"),
    Case(
        "for_each",
        "crewai",
        "for-each",
        lines=(
            *looks_up("clerk", "Ulm"),
            says("clerk", "Ulm lies high."),
            *looks_up("clerk", "Bern"),
            says("clerk", "Bern lies high."),
            *looks_up("clerk", "Linz"),
            says("clerk", "Linz lies high."),
        ),
        turns=("clerk", "clerk", "clerk"),
        trees=3,
    ),
    pair(
        "parallel_tools",
        "parallel tools",
        *looks_up("scout", "Furka", "Susten", "Grimsel", saying="I look up all three."),
        says("scout", FOUND),
        says("clerk", NOTED),
    ),
    pair("raising_tool", "raising tool", *looks_up("scout", "nowhere"), *FINDS_AND_NOTES),
    pair("streaming", "streaming"),
    Case(
        "rate_limited",
        "crewai",
        "429, then success",
        lines=(*looks_up("scout", "Furka"), says("scout", FOUND)),
        turns=("scout",),
        faults=(rate_limited("scout", call=1, retry_after_s=0.01),),
    ),
    Case(
        "handled_error",
        "crewai",
        "handled error, then more work",
        lines=(
            *delegates("scout"),
            *delegates("ranger", when="[Ee]rror"),
            *looks_up("ranger", "Furka"),
            says("ranger", FOUND),
            says("manager", NOTED, when="Furka pass is open"),
        ),
        turns=("manager", "scout", "ranger"),
        handoffs=(("manager", "scout"), ("manager", "ranger"), ("ranger", "manager")),
        faults=(unavailable("scout", call=1, status=500),),
    ),
    Case(
        "guardrail",
        "crewai",
        "guardrail",
        lines=(
            *looks_up("scout", "Furka"),
            says("scout", "It is open."),
            says("scout", FOUND, when="which pass"),
            says("clerk", NOTED),
        ),
        turns=("scout", "scout", "clerk"),
        handoffs=(("scout", "clerk"),),
    ),
    pair("flow", "Flow"),
    Case(
        "memory",
        "crewai",
        "memory",
        lines=(
            says("scout", FOUND),
            says("scout", '{"memories": ["The Furka is open"]}', when="Extract memory"),
            says("scout", '{"suggested_scope": "/passes"}', when="Return the analysis"),
            says("scout", "The Furka.", when="The Furka is open"),
            says("scout", '{"memories": []}', when="Extract memory"),
            EMBEDDED,
            EMBEDDED,
            EMBEDDED,
        ),
        turns=("scout", "scout"),
    ),
)
