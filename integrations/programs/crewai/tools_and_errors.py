"""CrewAI programs with tool calls, streaming, retries, errors and guardrails."""

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


def parallel_tools(context: CaseContext) -> str:
    """One reply that calls three tools."""
    if not RUNS_PARALLEL_TOOLS:
        raise UnsupportedFeatureError("this CrewAI runs one tool per reply")
    return str(make_scout_and_clerk_crew(context).kickoff())


def raising_tool(context: CaseContext) -> str:
    """A tool that raises. The agent then looks up another place."""
    return str(make_scout_and_clerk_crew(context).kickoff())


def streaming(context: CaseContext) -> str:
    """A crew whose completions are streamed."""
    if not RUNS_STREAMED_TOOLS:
        raise UnsupportedFeatureError("this CrewAI ignores the tool calls of a streamed reply")
    scout = make_agent(context, "scout", has_lookup_tool=True, model={"stream": True})
    clerk = make_agent(context, "clerk", model={"stream": True})
    tasks = make_task(scout, "find the pass"), make_task(clerk, "note what is found")
    return str(make_crew(*tasks).kickoff())


def rate_limited(context: CaseContext) -> str:
    """A rate-limited request, which the client retries."""
    scout = make_agent(context, "scout", has_lookup_tool=True, model={"max_retries": 1})
    return str(make_crew(make_task(scout, "find the pass")).kickoff())


def handled_error(context: CaseContext) -> str:
    """A coworker that fails. The manager then delegates to another one."""
    answer = str(make_managed_crew(context, "scout", "ranger").kickoff())
    context.record_tool_run("manager", DELEGATION_TOOL)
    context.record_tool_run("manager", DELEGATION_TOOL)
    return answer


def guardrail(context: CaseContext) -> str:
    """A guardrail that rejects the first answer of a task."""

    def check_pass_is_named(output: TaskOutput) -> tuple[bool, Any]:
        return (True, output.raw) if "Furka" in output.raw else (False, "which pass?")

    scout = make_agent(context, "scout", has_lookup_tool=True)
    clerk = make_agent(context, "clerk")
    guarded = make_task(scout, "find the pass", guardrail=check_pass_is_named)
    return str(make_crew(guarded, make_task(clerk, "note what is found")).kickoff())
