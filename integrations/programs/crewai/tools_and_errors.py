"""Calls: what becomes of completions and tools, and of what an agent answers."""

from typing import Any

from crewai import TaskOutput

from integrations.programs.case_context import NotHere, World
from integrations.programs.crewai.building_blocks import (
    SEVERAL_TOOLS,
    STREAMED_TOOLS,
    agent,
    crew,
    led,
    pair,
    task,
)
from integrations.programs.crewai.kickoffs import DELEGATION


def parallel_tools(world: World) -> str:
    """One reply asks for three look-ups."""
    if not SEVERAL_TOOLS:
        raise NotHere("in this CrewAI one reply runs one tool")
    return str(pair(world).kickoff())


def raising_tool(world: World) -> str:
    """A look-up raises, and the agent looks something else up."""
    return str(pair(world).kickoff())


def streaming(world: World) -> str:
    """The completions come in pieces."""
    if not STREAMED_TOOLS:
        raise NotHere("this CrewAI passes over what a streamed reply asks of tools")
    scout = agent(world, "scout", looks_up=True, model={"stream": True})
    clerk = agent(world, "clerk", model={"stream": True})
    return str(crew(task(scout, "find the pass"), task(clerk, "note what is found")).kickoff())


def rate_limited(world: World) -> str:
    """The client is told to come back later, and does."""
    scout = agent(world, "scout", looks_up=True, model={"max_retries": 1})
    return str(crew(task(scout, "find the pass")).kickoff())


def handled_error(world: World) -> str:
    """A coworker fails, the manager is told of it, and asks another one."""
    answer = str(led(world, "scout", "ranger").kickoff())
    world.ran("manager", DELEGATION)
    world.ran("manager", DELEGATION)
    return answer


def guardrail(world: World) -> str:
    """What a task answers is sent back once."""

    def names_the_pass(output: TaskOutput) -> tuple[bool, Any]:
        return (True, output.raw) if "Furka" in output.raw else (False, "which pass?")

    scout = agent(world, "scout", looks_up=True)
    guarded = task(scout, "find the pass", guardrail=names_the_pass)
    return str(crew(guarded, task(agent(world, "clerk"), "note what is found")).kickoff())
