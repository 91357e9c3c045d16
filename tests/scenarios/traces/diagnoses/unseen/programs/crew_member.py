"""An agent of a CrewAI crew, with a model client that sends its role."""

from typing import Any

from crewai import LLM, Agent

from scenarios.replay.replay_server import ReplayServer
from workflows.model import AGENT_HEADER


def crew_member(replay: ReplayServer, role: str, goal: str, story: str, *tools: Any) -> Agent:
    """A CrewAI agent whose completions come from the server."""
    llm = LLM(
        model="openai/taped",
        base_url=replay.base_url,
        api_key="not-a-key",
        default_headers={AGENT_HEADER: role},
        max_retries=1,
        timeout=20,
    )
    return Agent(role=role, goal=goal, backstory=story, llm=llm, tools=list(tools))
