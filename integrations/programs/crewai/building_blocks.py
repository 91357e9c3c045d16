"""Agents, tasks, crews and models that the CrewAI programs are built from."""

from importlib.metadata import version
from typing import Any

from crewai import LLM, Agent, Crew, Process, Task
from crewai.tools import BaseTool
from pydantic import BaseModel, PrivateAttr

from integrations.programs.case_context import (
    AGENT_HEADER,
    API_KEY,
    MODEL,
    TOOL_CREDENTIAL,
    CaseContext,
)

UNKNOWN_PLACE = "nowhere"

CREWAI_VERSION = tuple(int(part) for part in version("crewai").split(".")[:2])
"""Major and minor version, as in (1, 15)."""
HEADERS_PARAMETER = "default_headers" if CREWAI_VERSION >= (1, 0) else "extra_headers"
"""The name of the headers parameter: of OpenAI's client since 1.0, of LiteLLM before."""
RUNS_PARALLEL_TOOLS = CREWAI_VERSION >= (1, 10)
"""Whether CrewAI runs all tools that one reply calls. 1.9 runs the first only, and older releases
parse a single tool from the text."""
RUNS_STREAMED_TOOLS = not (1, 9) <= CREWAI_VERSION < (1, 10)
"""Whether CrewAI runs tools that a streamed reply calls."""


class LookupArguments(BaseModel):
    """The arguments of the tool."""

    place: str


class LookupTool(BaseTool):
    """The tool of one agent. It records each run in the case's context."""

    name: str = "lookup"
    description: str = "Look a place up."
    args_schema: type[BaseModel] = LookupArguments
    api_key: str = TOOL_CREDENTIAL
    _context: CaseContext = PrivateAttr()
    _agent: str = PrivateAttr()

    def __init__(self, context: CaseContext, agent: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._context, self._agent = context, agent

    def _run(self, place: str) -> str:
        raises = place == UNKNOWN_PLACE
        self._context.record_tool_run(self._agent, self.name, raised=raises)
        if raises:
            raise LookupError(f"there is no place {place}")
        return f"{place} lies high"


def make_model(context: CaseContext, lane: str, **settings: Any) -> LLM:
    """Return the model of one agent. It does not retry unless `settings` say so."""
    defaults: dict[str, Any] = {
        "model": f"openai/{MODEL}",
        "base_url": context.base_url,
        "api_key": API_KEY,
        HEADERS_PARAMETER: {AGENT_HEADER: lane},
        "max_retries": 0,
        "timeout": 10,
    }
    return LLM(**defaults | settings)


def make_agent(
    context: CaseContext, role: str, *, has_lookup_tool: bool = False, **settings: Any
) -> Agent:
    """Return an agent with a model of its own. `model=` holds the settings of that model."""
    defaults: dict[str, Any] = {
        "goal": "do it well",
        "backstory": "long in the trade",
        "llm": make_model(context, role, **settings.pop("model", {})),
        "tools": [LookupTool(context, role)] if has_lookup_tool else [],
        "max_retry_limit": 0,
    }
    return Agent(role=role, **defaults | settings)


def make_task(agent: Agent | None, description: str, **settings: Any) -> Task:
    """Return a task that expects one line."""
    return Task(description=description, expected_output="a line", agent=agent, **settings)


def make_crew(*tasks: Task, **settings: Any) -> Crew:
    """Return a crew of these tasks and of their agents."""
    agents = list({id(task.agent): task.agent for task in tasks if task.agent is not None}.values())
    defaults: dict[str, Any] = {"agents": agents, "tasks": list(tasks), "name": "office"}
    return Crew(**defaults | settings)


def make_scout_and_clerk_crew(context: CaseContext) -> Crew:
    """Return a crew in which the scout looks something up and the clerk writes it down."""
    scout = make_agent(context, "scout", has_lookup_tool=True)
    clerk = make_agent(context, "clerk")
    return make_crew(make_task(scout, "find the pass"), make_task(clerk, "note what is found"))


def make_managed_crew(context: CaseContext, *coworkers: str) -> Crew:
    """Return a hierarchical crew whose manager delegates to these coworkers."""
    return make_crew(
        make_task(None, "have the pass found"),
        agents=[make_agent(context, role, has_lookup_tool=True) for role in coworkers],
        manager_agent=make_agent(context, "manager", allow_delegation=True),
        process=Process.hierarchical,
    )
