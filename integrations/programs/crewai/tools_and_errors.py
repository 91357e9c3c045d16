"""Calls: what becomes of completions and tools, and of what an agent answers."""

from typing import Any

from crewai import TaskOutput

from integrations.programs.case_context import CaseContext, UnsupportedFeatureError
from integrations.programs.crewai.building_blocks import (
    RUNS_PARALLEL_TOOLS,
    RUNS_STREAMED_TOOLS,
    make_agent,
    make_crew,
    make_managed_crew,
    make_scout_and_clerk_crew,
    make_task,
)
from integrations.programs.crewai.kickoffs import DELEGATION_TOOL


def parallel_tools(world: CaseContext) -> str:
    """One reply asks for three look-ups."""
    if not RUNS_PARALLEL_TOOLS:
        raise UnsupportedFeatureError("in this CrewAI one reply runs one tool")
    return str(make_scout_and_clerk_crew(world).kickoff())


def raising_tool(world: CaseContext) -> str:
    """A look-up raises, and the agent looks something else up."""
    return str(make_scout_and_clerk_crew(world).kickoff())


def streaming(world: CaseContext) -> str:
    """The completions come in pieces."""
    if not RUNS_STREAMED_TOOLS:
        raise UnsupportedFeatureError("this CrewAI passes over what a streamed reply asks of tools")
    scout = make_agent(world, "scout", has_lookup_tool=True, model={"stream": True})
    clerk = make_agent(world, "clerk", model={"stream": True})
    return str(
        make_crew(
            make_task(scout, "find the pass"), make_task(clerk, "note what is found")
        ).kickoff()
    )


def rate_limited(world: CaseContext) -> str:
    """The client is told to come back later, and does."""
    scout = make_agent(world, "scout", has_lookup_tool=True, model={"max_retries": 1})
    return str(make_crew(make_task(scout, "find the pass")).kickoff())


def handled_error(world: CaseContext) -> str:
    """A coworker fails, the manager is told of it, and asks another one."""
    answer = str(make_managed_crew(world, "scout", "ranger").kickoff())
    world.record_tool_run("manager", DELEGATION_TOOL)
    world.record_tool_run("manager", DELEGATION_TOOL)
    return answer


def guardrail(world: CaseContext) -> str:
    """What a task answers is sent back once."""

    def check_pass_is_named(output: TaskOutput) -> tuple[bool, Any]:
        return (True, output.raw) if "Furka" in output.raw else (False, "which pass?")

    scout = make_agent(world, "scout", has_lookup_tool=True)
    guarded = make_task(scout, "find the pass", guardrail=check_pass_is_named)
    return str(
        make_crew(guarded, make_task(make_agent(world, "clerk"), "note what is found")).kickoff()
    )
