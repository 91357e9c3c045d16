"""An office: the agents, tasks and crews that the cases are made of, each agent with its model."""

from importlib.metadata import version
from typing import Any

from crewai import LLM, Agent, Crew, Process, Task

from integrations.programs.case_context import AGENT_HEADER, API_KEY, MODEL, CaseContext
from integrations.programs.crewai.lookup_tool import LookupTool

CREWAI_VERSION = tuple(int(part) for part in version("crewai").split(".")[:2])
"""Of CrewAI: (1, 15)."""
HEADERS_PARAMETER = "default_headers" if CREWAI_VERSION >= (1, 0) else "extra_headers"
"""What the headers of a model are called: by OpenAI's client, and by LiteLLM before it."""
RUNS_PARALLEL_TOOLS = CREWAI_VERSION >= (1, 10)
"""Whether all tools run that one reply asks for: 1.9 runs the first of them, and before it agents
read in text what they are to do."""
RUNS_STREAMED_TOOLS = not (1, 9) <= CREWAI_VERSION < (1, 10)
"""Whether tools run that a streamed reply asks for."""


def make_model(world: CaseContext, lane: str, **settings: Any) -> LLM:
    """The model of one agent, which does not retry unless told to."""
    given: dict[str, Any] = {
        "model": f"openai/{MODEL}",
        "base_url": world.base_url,
        "api_key": API_KEY,
        HEADERS_PARAMETER: {AGENT_HEADER: lane},
        "max_retries": 0,
        "timeout": 10,
    }
    return LLM(**given | settings)


def make_agent(
    world: CaseContext, role: str, *, has_lookup_tool: bool = False, **settings: Any
) -> Agent:
    """An agent; one that looks things up has the tool for it. `model=` are its model's settings."""
    given: dict[str, Any] = {
        "goal": "do it well",
        "backstory": "long in the trade",
        "llm": make_model(world, role, **settings.pop("model", {})),
        "tools": [LookupTool(world, role)] if has_lookup_tool else [],
        "max_retry_limit": 0,
    }
    return Agent(role=role, **given | settings)


def make_task(agent: Agent | None, description: str, **settings: Any) -> Task:
    """A task of this agent, which asks for a line."""
    return Task(description=description, expected_output="a line", agent=agent, **settings)


def make_crew(*tasks: Task, **settings: Any) -> Crew:
    """A crew of these tasks, and of the agents that they name."""
    agents = list({id(one.agent): one.agent for one in tasks if one.agent is not None}.values())
    given: dict[str, Any] = {"agents": agents, "tasks": list(tasks), "name": "office"}
    return Crew(**given | settings)


def make_scout_and_clerk_crew(world: CaseContext, **settings: Any) -> Crew:
    """One looks something up; the other notes what the first has found."""
    scout = make_agent(world, "scout", has_lookup_tool=True)
    return make_crew(
        make_task(scout, "find the pass"),
        make_task(make_agent(world, "clerk"), "note what is found"),
        **settings,
    )


def make_managed_crew(world: CaseContext, *coworkers: str) -> Crew:
    """A manager who asks these to look things up."""
    return make_crew(
        make_task(None, "have the pass found"),
        agents=[make_agent(world, role, has_lookup_tool=True) for role in coworkers],
        manager_agent=make_agent(world, "manager", allow_delegation=True),
        process=Process.hierarchical,
    )
