"""Programs of the CrewAI cases: one function per case, with its name."""

from integrations.programs.crewai.flows_and_memory import flow, memory
from integrations.programs.crewai.kickoffs import (
    akickoff,
    async_task,
    for_each,
    hierarchical,
    kickoff_async,
    sequential,
    shared_model,
)
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
