"""Builders for small CrewAI crews whose completions come from a replay server."""

from typing import Any

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool

from scenarios.replay.replay_server import ReplayServer
from tests.support.autogen_agents import API_KEY, Line, tool_calls_line
from workflows.model import AGENT_HEADER


def line_when(line: Line, when: str) -> Line:
    """The line, with the condition that the conversation matches `when`."""
    return line | {"when": when}


def lookup_line(lane: str, *countries: str) -> Line:
    """A taped reply in which the agent `lane` calls the tool `lookup` for each country."""
    return tool_calls_line(lane, *(("lookup", {"country": country}) for country in countries))


def llm(replay: ReplayServer, lane: str, **settings: Any) -> LLM:
    """The model client of one agent. It does not retry by default."""
    defaults: dict[str, Any] = {
        "model": "openai/taped",
        "base_url": replay.base_url,
        "api_key": API_KEY,
        "default_headers": {AGENT_HEADER: lane},
        "max_retries": 0,
        "timeout": 10,
    }
    return LLM(**defaults | settings)


def agent(replay: ReplayServer, role: str, **settings: Any) -> Agent:
    """An agent with this role; `llm=` holds settings of its model client."""
    own = llm(replay, role, **settings.pop("llm", {}))
    return Agent(role=role, goal="do it well", backstory="long in the trade", llm=own, **settings)


def task(of: Agent | None, name: str, **settings: Any) -> Task:
    """A task of this agent whose expected output is one line."""
    defaults: dict[str, Any] = {"description": f"do {name}", "expected_output": "a line"}
    return Task(name=name, agent=of, **defaults | settings)


def crew(*tasks: Task, **settings: Any) -> Crew:
    """A crew of these tasks and their agents."""
    agents = list({id(one.agent): one.agent for one in tasks if one.agent is not None}.values())
    defaults: dict[str, Any] = {"agents": agents, "tasks": list(tasks), "name": "office"}
    return Crew(**defaults | settings)


@tool("lookup")
def lookup(country: str) -> str:
    """Look a country up."""
    if country == "nowhere":
        raise LookupError(f"there is no country {country}")
    return f"the value of {country}"
