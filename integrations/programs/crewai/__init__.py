"""What CrewAI does in each case: a function a case, by its name."""

from integrations.programs.crewai.crew_memory import memory
from integrations.programs.crewai.flows import flow
from integrations.programs.crewai.kickoffs import (
    akickoff,
    async_task,
    for_each,
    hierarchical,
    kickoff_async,
    sequential,
)
from integrations.programs.crewai.shared_model import shared_model
from integrations.programs.crewai.tools_and_errors import (
    guardrail,
    handled_error,
    parallel_tools,
    raising_tool,
    rate_limited,
    streaming,
)

__all__ = [
    "akickoff",
    "async_task",
    "flow",
    "for_each",
    "guardrail",
    "handled_error",
    "hierarchical",
    "kickoff_async",
    "memory",
    "parallel_tools",
    "raising_tool",
    "rate_limited",
    "sequential",
    "shared_model",
    "streaming",
]
