"""A crew's model: each CrewAI agent's own way to it, whose requests say whose they are."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crewai import LLM, Agent, Crew
from crewai.tools import BaseTool
from crewai.types.streaming import StreamChunkType

from instrumentation.http_attempts.http_client import tracing_interceptor
from instrumentation.routing import routing_attributes
from instrumentation.state.shared_state import SharedState
from instrumentation.steps.collection import collect_steps
from instrumentation.steps.step import Step
from instrumentation.telemetry import Price, telemetry_attributes
from workflows.model import AGENT_HEADER, Model, TruncatedAnswerError
from workflows.roster import roster

if TYPE_CHECKING:
    from instrumentation.steps.step_log import StepLog


@dataclass(frozen=True)
class Staff:
    """Makes a crew's agents. Each has a client of its own, so that its role is its lane.

    `deadline_s` is the longest wait for the next byte of a completion; `retries` come after it, and
    after refusals that say when to come again. `turns` is how many completions an agent has for one
    task, before it is made to answer.
    """

    model: Model
    deadline_s: float | None = 60.0
    retries: int = 2
    turns: int = 8

    def agent(
        self, role: str, goal: str, backstory: str, *tools: BaseTool, delegates: bool = False
    ) -> Agent:
        return Agent(
            role=role,
            goal=goal,
            backstory=backstory,
            tools=list(tools),
            llm=self._llm(role),
            max_iter=self.turns,
            # The client has tried again already.
            max_retry_limit=0,
            allow_delegation=delegates,
            verbose=False,
        )

    def manager(self, roster: str) -> Agent:
        """The one who gives out the tasks of a crew, to whom he finds on the roster."""
        goal = "Have each task done by a coworker who can do it."
        return self.agent("manager", goal, f"Your coworkers:\n{roster}", delegates=True)

    def _llm(self, role: str) -> LLM:
        return LLM(
            model=f"openai/{self.model.name}",
            base_url=self.model.base_url,
            api_key=self.model.api_key,
            default_headers={AGENT_HEADER: role},
            timeout=self.deadline_s,
            max_retries=self.retries,
            interceptor=tracing_interceptor(),
        )


async def heard(
    crew: Crew, inputs: Mapping[str, str], on_text: Callable[[str, str], None] | None
) -> str:
    """Run the crew to its end; returns its last output. With `on_text` it streams, and is heard."""
    crew.stream = on_text is not None
    running: Any = await crew.akickoff(inputs=dict(inputs))
    if on_text is None:
        return str(running.raw)
    async for piece in running:
        if piece.chunk_type is StreamChunkType.TEXT:
            on_text(piece.agent_role, piece.content)
    return str(running.result.raw)


def whole(steps: Sequence[Step]) -> None:
    """Raises `TruncatedAnswerError` if a model ran into its limit: CrewAI takes half an answer for
    a whole one, and hands it on. What was said anew since is not held against anyone."""
    asked = (step for step in steps if step.kind == "completion")
    for step in {(step.agent, step.task): step for step in asked}.values():
        if step.finish_reason == "length":
            raise TruncatedAnswerError(
                f"{step.agent}, in {step.task}: the model reached its token limit"
            )


@contextmanager
def measured(
    span: Any,
    crew: Crew,
    state: SharedState,
    takes: Mapping[str, Sequence[str]],
    prices: Mapping[str, Price] | None = None,
) -> Generator["StepLog"]:
    """Count on the span what the crew does in the block, however that ends: turns, delegations and
    loops, tokens, cost and time, reads and writes. `takes` names the tools that each task takes.
    Yields the log, which is whole after the block."""
    try:
        with collect_steps() as log:
            yield log
    finally:
        span.set_attributes(routing_attributes(log.steps, roster(crew.agents), takes))
        span.set_attributes(telemetry_attributes(log.steps, prices))
        span.set_attributes(state.attributes())
