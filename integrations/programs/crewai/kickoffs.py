"""Kickoffs: the ways in which a crew is set to work, and its work is shared out."""

from crewai import Crew

from integrations.programs.case_context import NotHere, World
from integrations.programs.crewai.building_blocks import agent, crew, led, pair, task

DELEGATION = "delegate_work_to_coworker"
"""A tool of CrewAI's own: that it ran, whoever was asked can tell."""


def sequential(world: World) -> str:
    """Two tasks, one after the other."""
    return str(pair(world).kickoff())


async def kickoff_async(world: World) -> str:
    """The same, in a thread of CrewAI's."""
    return str(await pair(world).kickoff_async())


async def akickoff(world: World) -> str:
    """The same, awaited down to the completions."""
    if not hasattr(Crew, "akickoff"):
        raise NotHere("this CrewAI has no akickoff")
    return str(await pair(world).akickoff())


def for_each(world: World) -> str:
    """One crew, kicked off for each of three inputs."""
    clerk = agent(world, "clerk", looks_up=True)
    of = crew(task(clerk, "note what is known of {place}"))
    each = of.kickoff_for_each([{"place": place} for place in ("Ulm", "Bern", "Linz")])
    return "\n".join(map(str, each))


def hierarchical(world: World) -> str:
    """A manager has a coworker do the work."""
    answer = str(led(world, "scout").kickoff())
    world.ran("manager", DELEGATION)
    return answer


def async_task(world: World) -> str:
    """Two tasks at once, and one that needs them both."""
    both = [
        task(agent(world, name, looks_up=True), f"find the {what}", async_execution=True)
        for name, what in (("scout", "pass"), ("ranger", "weather"))
    ]
    last = task(agent(world, "clerk"), "note what is found", context=both)
    return str(crew(*both, last).kickoff())
