"""An office: the agents, tasks and crews that the cases are made of, each agent with its model."""

from importlib.metadata import version
from typing import Any

from crewai import LLM, Agent, Crew, Process, Task

from integrations.programs.case_context import API_KEY, LANE_HEADER, MODEL, World
from integrations.programs.crewai.lookup_tool import Lookup

RELEASE = tuple(int(part) for part in version("crewai").split(".")[:2])
"""Of CrewAI: (1, 15)."""
HEADERS = "default_headers" if RELEASE >= (1, 0) else "extra_headers"
"""What the headers of a model are called: by OpenAI's client, and by LiteLLM before it."""
SEVERAL_TOOLS = RELEASE >= (1, 10)
"""Whether all tools run that one reply asks for: 1.9 runs the first of them, and before it agents
read in text what they are to do."""
STREAMED_TOOLS = not (1, 9) <= RELEASE < (1, 10)
"""Whether tools run that a streamed reply asks for."""


def model(world: World, lane: str, **settings: Any) -> LLM:
    """The model of one agent, which does not retry unless told to."""
    given: dict[str, Any] = {
        "model": f"openai/{MODEL}",
        "base_url": world.base_url,
        "api_key": API_KEY,
        HEADERS: {LANE_HEADER: lane},
        "max_retries": 0,
        "timeout": 10,
    }
    return LLM(**given | settings)


def agent(world: World, role: str, *, looks_up: bool = False, **settings: Any) -> Agent:
    """An agent; one that looks things up has the tool for it. `model=` are its model's settings."""
    given: dict[str, Any] = {
        "goal": "do it well",
        "backstory": "long in the trade",
        "llm": model(world, role, **settings.pop("model", {})),
        "tools": [Lookup(world, role)] if looks_up else [],
        "max_retry_limit": 0,
    }
    return Agent(role=role, **given | settings)


def task(of: Agent | None, description: str, **settings: Any) -> Task:
    """A task of this agent, which asks for a line."""
    return Task(description=description, expected_output="a line", agent=of, **settings)


def crew(*tasks: Task, **settings: Any) -> Crew:
    """A crew of these tasks, and of the agents that they name."""
    agents = list({id(one.agent): one.agent for one in tasks if one.agent is not None}.values())
    given: dict[str, Any] = {"agents": agents, "tasks": list(tasks), "name": "office"}
    return Crew(**given | settings)


def pair(world: World, **settings: Any) -> Crew:
    """One looks something up; the other notes what the first has found."""
    scout = agent(world, "scout", looks_up=True)
    return crew(
        task(scout, "find the pass"), task(agent(world, "clerk"), "note what is found"), **settings
    )


def led(world: World, *coworkers: str) -> Crew:
    """A manager who asks these to look things up."""
    return crew(
        task(None, "have the pass found"),
        agents=[agent(world, role, looks_up=True) for role in coworkers],
        manager_agent=agent(world, "manager", allow_delegation=True),
        process=Process.hierarchical,
    )
