"""A roster: the agents of a crew, each with the tools that it has."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crewai.agents.agent_builder.base_agent import BaseAgent


def roster(agents: "Sequence[BaseAgent]") -> dict[str, list[str]]:
    """The names of each agent's tools, by its role."""
    return {agent.role: [tool.name for tool in agent.tools or []] for agent in agents}


def who_has_what(agents: "Sequence[BaseAgent]") -> str:
    """The roster as a manager needs it, so that no task goes to one who can't do it."""
    told = (f"{role} has {', '.join(tools) or 'no tool'}" for role, tools in roster(agents).items())
    return "\n".join(told)
