"""Cases of CrewAI: kickoffs, processes, tools, guardrails, flows and memory."""

from integrations.cases.case import Case
from integrations.cases.scripted_replies import (
    CLERK_ANSWER,
    EMBEDDING_REPLY,
    SCOUT_ANSWER,
    SCOUT_THEN_CLERK,
    ScriptedReply,
    calls_lookup,
    delegates_to,
    scripted_reply,
)
from scenarios.replay.faults import rate_limited, unavailable, waits_for_lanes

FIXED_ORDER = (
    waits_for_lanes("scout", 1, until_calls={"ranger": 1}),
    waits_for_lanes("ranger", 1, until_calls={"scout": 2}),
    waits_for_lanes("scout", 2, until_calls={"ranger": 2}),
    waits_for_lanes("ranger", 2, until_calls={"scout": 2}, delay_s=0.2),
)
"""Puts the replies of two parallel agents in a fixed order, in which the scout finishes first."""


def _scout_and_clerk_case(name: str, title: str, *replies: ScriptedReply) -> Case:
    """The scout looks something up and the clerk writes it down, by default the usual way."""
    return Case(
        name,
        "crewai",
        title,
        replies or SCOUT_THEN_CLERK,
        turns=("scout", "clerk"),
        handoffs=(("scout", "clerk"),),
    )


CREWAI_CASES = (
    _scout_and_clerk_case("sequential", "sequential"),
    Case(
        "hierarchical",
        "crewai",
        "hierarchical",
        scripted_replies=(
            *delegates_to("scout"),
            *calls_lookup("scout", "Furka"),
            scripted_reply("scout", SCOUT_ANSWER),
            scripted_reply("manager", CLERK_ANSWER, when="Furka pass is open"),
        ),
        turns=("manager", "scout"),
        handoffs=(("manager", "scout"), ("scout", "manager")),
    ),
    Case(
        "async_task",
        "crewai",
        "async task",
        scripted_replies=(
            *calls_lookup("scout", "Furka"),
            *calls_lookup("ranger", "Andermatt"),
            scripted_reply("scout", SCOUT_ANSWER),
            scripted_reply("ranger", "It snows."),
            scripted_reply("clerk", "Noted: open, and it snows."),
        ),
        turns=("scout", "ranger", "clerk"),
        handoffs=(("scout", "clerk"), ("ranger", "clerk")),
        faults=FIXED_ORDER,
    ),
    _scout_and_clerk_case("kickoff_async", "kickoff_async"),
    _scout_and_clerk_case("akickoff", "akickoff"),
    Case(
        "for_each",
        "crewai",
        "for-each",
        scripted_replies=(
            *calls_lookup("clerk", "Ulm"),
            scripted_reply("clerk", "Ulm lies high."),
            *calls_lookup("clerk", "Bern"),
            scripted_reply("clerk", "Bern lies high."),
            *calls_lookup("clerk", "Linz"),
            scripted_reply("clerk", "Linz lies high."),
        ),
        turns=("clerk", "clerk", "clerk"),
        expected_trees=3,
    ),
    _scout_and_clerk_case(
        "parallel_tools",
        "parallel tools",
        *calls_lookup("scout", "Furka", "Susten", "Grimsel", content="I look up all three."),
        scripted_reply("scout", SCOUT_ANSWER),
        scripted_reply("clerk", CLERK_ANSWER),
    ),
    _scout_and_clerk_case(
        "raising_tool", "raising tool", *calls_lookup("scout", "nowhere"), *SCOUT_THEN_CLERK
    ),
    _scout_and_clerk_case("streaming", "streaming"),
    Case(
        "rate_limited",
        "crewai",
        "429, then success",
        scripted_replies=(*calls_lookup("scout", "Furka"), scripted_reply("scout", SCOUT_ANSWER)),
        turns=("scout",),
        faults=(rate_limited("scout", call=1, retry_after_s=0.01),),
    ),
    Case(
        "handled_error",
        "crewai",
        "handled error, then more work",
        scripted_replies=(
            *delegates_to("scout"),
            *delegates_to("ranger", when="[Ee]rror"),
            *calls_lookup("ranger", "Furka"),
            scripted_reply("ranger", SCOUT_ANSWER),
            scripted_reply("manager", CLERK_ANSWER, when="Furka pass is open"),
        ),
        turns=("manager", "scout", "ranger"),
        handoffs=(("manager", "scout"), ("manager", "ranger"), ("ranger", "manager")),
        faults=(unavailable("scout", call=1, status=500),),
    ),
    Case(
        "guardrail",
        "crewai",
        "guardrail",
        scripted_replies=(
            *calls_lookup("scout", "Furka"),
            scripted_reply("scout", "It is open."),
            scripted_reply("scout", SCOUT_ANSWER, when="which pass"),
            scripted_reply("clerk", CLERK_ANSWER),
        ),
        turns=("scout", "scout", "clerk"),
        handoffs=(("scout", "clerk"),),
    ),
    _scout_and_clerk_case("flow", "Flow"),
    Case(
        "memory",
        "crewai",
        "memory",
        scripted_replies=(
            scripted_reply("scout", SCOUT_ANSWER),
            scripted_reply("scout", '{"memories": ["The Furka is open"]}', when="Extract memory"),
            scripted_reply("scout", '{"suggested_scope": "/passes"}', when="Return the analysis"),
            scripted_reply("scout", "The Furka.", when="The Furka is open"),
            scripted_reply("scout", '{"memories": []}', when="Extract memory"),
            EMBEDDING_REPLY,
            EMBEDDING_REPLY,
            EMBEDDING_REPLY,
        ),
        turns=("scout", "scout"),
    ),
)
