"""Create CrewAI agents, each with its own model client, and run a crew of them.

A client sends its agent's role in a header, and its failed requests are traced.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crewai import LLM, Agent, Crew
from crewai.tools import BaseTool
from crewai.types.streaming import StreamChunkType

from instrumentation import Step, tracing_interceptor
from workflows.model import AGENT_HEADER, Model, TruncatedAnswerError

if TYPE_CHECKING:
    from crewai.agents.agent_builder.base_agent import BaseAgent

MAX_COMPLETIONS = 8
"""Completions that an agent may use for one task. After them CrewAI makes it answer."""


def make_agent(
    model: Model,
    role: str,
    goal: str,
    backstory: str,
    *tools: BaseTool,
    delegates: bool = False,
) -> Agent:
    """Create an agent whose requests carry its role and whose failed attempts are traced."""
    return Agent(
        role=role,
        goal=goal,
        backstory=backstory,
        tools=list(tools),
        llm=_make_llm(model, role),
        max_iter=MAX_COMPLETIONS,
        max_retry_limit=0,  # the client retries already
        allow_delegation=delegates,
        verbose=False,
    )


def make_manager(model: Model, coworkers: str) -> Agent:
    """Create the agent that assigns a crew's tasks; `coworkers` is the list in its prompt."""
    goal = "Have each task done by a coworker who can do it."
    return make_agent(model, "manager", goal, f"Your coworkers:\n{coworkers}", delegates=True)


def list_tools(agents: "Sequence[BaseAgent]") -> dict[str, list[str]]:
    """List the names of each agent's tools, keyed by its role."""
    return {agent.role: [tool.name for tool in agent.tools or []] for agent in agents}


async def run_crew(
    crew: Crew, inputs: Mapping[str, str], on_chunk: Callable[[str, str], None] | None
) -> str:
    """Run the crew and return the output of its last task.

    With `on_chunk` the agents stream, and it is called with (agent, text) for each piece of text.
    """
    crew.stream = on_chunk is not None
    result: Any = await crew.akickoff(inputs=dict(inputs))
    if on_chunk is None:
        return str(result.raw)
    async for chunk in result:
        if chunk.chunk_type is StreamChunkType.TEXT:
            on_chunk(chunk.agent_role, chunk.content)
    return str(result.result.raw)


def require_complete(steps: Sequence[Step]) -> None:
    """Raise `TruncatedAnswerError` if an agent's last answer to a task hit the token limit.

    CrewAI passes such an answer on as if it were complete. Earlier answers to the same task do not
    count: a guardrail sent them back.
    """
    completions = (step for step in steps if step.kind == "completion")
    for step in {(step.agent, step.task): step for step in completions}.values():
        if step.finish_reason == "length":
            raise TruncatedAnswerError(
                f"{step.agent}, in {step.task}: the model reached its token limit"
            )


def _make_llm(model: Model, role: str) -> LLM:
    return LLM(
        model=f"openai/{model.name}",
        base_url=model.base_url,
        api_key=model.api_key,
        default_headers={AGENT_HEADER: role},
        timeout=model.timeout_s,
        max_retries=model.max_retries,
        interceptor=tracing_interceptor(),
    )
