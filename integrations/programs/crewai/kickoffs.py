"""Kickoffs: the ways in which a crew is set to work, and its work is shared out."""

from crewai import Crew

from integrations.programs.case_context import CaseContext, UnsupportedFeatureError
from integrations.programs.crewai.building_blocks import (
    make_agent,
    make_crew,
    make_managed_crew,
    make_scout_and_clerk_crew,
    make_task,
)

DELEGATION_TOOL = "delegate_work_to_coworker"
"""A tool of CrewAI's own: that it ran, whoever was asked can tell."""


def sequential(world: CaseContext) -> str:
    """Two tasks, one after the other."""
    return str(make_scout_and_clerk_crew(world).kickoff())


async def kickoff_async(world: CaseContext) -> str:
    """The same, in a thread of CrewAI's."""
    return str(await make_scout_and_clerk_crew(world).kickoff_async())


async def akickoff(world: CaseContext) -> str:
    """The same, awaited down to the completions."""
    if not hasattr(Crew, "akickoff"):
        raise UnsupportedFeatureError("this CrewAI has no akickoff")
    return str(await make_scout_and_clerk_crew(world).akickoff())


def for_each(world: CaseContext) -> str:
    """One crew, kicked off for each of three inputs."""
    clerk = make_agent(world, "clerk", has_lookup_tool=True)
    of = make_crew(make_task(clerk, "note what is known of {place}"))
    each = of.kickoff_for_each([{"place": place} for place in ("Ulm", "Bern", "Linz")])
    return "\n".join(map(str, each))


def hierarchical(world: CaseContext) -> str:
    """A manager has a coworker do the work."""
    answer = str(make_managed_crew(world, "scout").kickoff())
    world.record_tool_run("manager", DELEGATION_TOOL)
    return answer


def async_task(world: CaseContext) -> str:
    """Two tasks at once, and one that needs them both."""
    both = [
        make_task(
            make_agent(world, name, has_lookup_tool=True), f"find the {what}", async_execution=True
        )
        for name, what in (("scout", "pass"), ("ranger", "weather"))
    ]
    last = make_task(make_agent(world, "clerk"), "note what is found", context=both)
    return str(make_crew(*both, last).kickoff())
