"""What CrewAI does in each case: a function a case, by its name."""

from integrations.inside.crews.bare import shared_model
from integrations.inside.crews.calls import (
    guardrail,
    handled_error,
    parallel_tools,
    raising_tool,
    rate_limited,
    streaming,
)
from integrations.inside.crews.flows import flow
from integrations.inside.crews.kickoffs import (
    akickoff,
    async_task,
    for_each,
    hierarchical,
    kickoff_async,
    sequential,
)
from integrations.inside.crews.memories import memory

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
