"""A step log: what CrewAI tells its event bus and its callbacks, put together as steps."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from time import time_ns
from typing import Any

from crewai.events import crewai_event_bus
from crewai.events.types import (
    agent_events,
    crew_events,
    flow_events,
    llm_events,
    llm_guardrail_events,
    task_events,
    tool_usage_events,
)

from instrumentation.steps.crew_event import CrewEvent, event_from_crewai
from instrumentation.steps.event_pairing import pair_events
from instrumentation.steps.step import Step, StepKind, sort_steps
from instrumentation.trace.span import Tokens

RECORDED_EVENTS = (
    crew_events.CrewKickoffStartedEvent,
    crew_events.CrewKickoffCompletedEvent,
    crew_events.CrewKickoffFailedEvent,
    task_events.TaskStartedEvent,
    task_events.TaskCompletedEvent,
    task_events.TaskFailedEvent,
    agent_events.AgentExecutionStartedEvent,
    agent_events.AgentExecutionCompletedEvent,
    agent_events.AgentExecutionErrorEvent,
    flow_events.FlowStartedEvent,
    flow_events.MethodExecutionStartedEvent,
    llm_events.LLMCallStartedEvent,
    llm_events.LLMCallCompletedEvent,
    llm_events.LLMCallFailedEvent,
    tool_usage_events.ToolUsageStartedEvent,
    tool_usage_events.ToolUsageFinishedEvent,
    tool_usage_events.ToolUsageErrorEvent,
    llm_guardrail_events.LLMGuardrailStartedEvent,
    llm_guardrail_events.LLMGuardrailCompletedEvent,
)
"""The events that begin or end a step, and those that only stand between a step and the next."""


class StepLog:
    """The steps of the crews that were kicked off in its block; made by `steps_taken`.

    `steps` are put together from the bus, `said` from the callbacks: what CrewAI hands to those
    names no agent, and so the agent is the one at work at the time, if there was one alone. `whole`
    is False if the bus did not deliver in time, and steps may be missing.
    """

    def __init__(self, is_own: "Callable[[StepLog], bool]", timeout_s: float = 30.0) -> None:
        self._is_own = is_own
        self._timeout_s = timeout_s
        self._lock = Lock()
        self._events: list[CrewEvent] = []
        self._callback_steps: list[Step] = []
        self._ended_ns: int | None = None
        self.is_complete = True

    @contextmanager
    def listen(self) -> Generator[None]:
        """Listen on the bus, and wait at the end for what it has still to deliver."""
        for event in RECORDED_EVENTS:
            crewai_event_bus.register_handler(event, self._on_event)
        try:
            yield
        finally:
            self._ended_ns = time_ns()
            self.is_complete = crewai_event_bus.flush(self._timeout_s)
            for event in RECORDED_EVENTS:
                crewai_event_bus.off(event, self._on_event)

    @property
    def steps(self) -> tuple[Step, ...]:
        """What is known so far, in order. A step that has not ended is not among them until the
        block has: then it failed, "Interrupted"."""
        with self._lock:
            facts = list(self._events)
        return pair_events(facts, self._ended_ns)

    @property
    def callback_steps(self) -> tuple[Step, ...]:
        """What the callbacks were told, in order."""
        turns = [step for step in self.steps if step.kind == "turn"]
        with self._lock:
            said = list(self._callback_steps)
        return sort_steps([_attribute_to_agent(step, turns) for step in said])

    def on_step(self, step: Any) -> None:
        """Be told what a `step_callback` is: a thought, a tool's result or an answer."""
        text = getattr(step, "text", "") or getattr(step, "output", "")
        tool = getattr(step, "tool", None)
        self._add_callback_step(
            text, tool, getattr(step, "tool_input", None), getattr(step, "result", None)
        )

    def on_task(self, output: Any) -> None:
        """Be told what a task came to."""
        self._add_callback_step(
            output.raw, None, None, output.raw, output.agent.strip(), output.name
        )

    def _add_callback_step(
        self,
        text: str,
        tool: str | None,
        arguments: Any,
        result: Any,
        agent: str | None = None,
        task: str | None = None,
    ) -> None:
        now = time_ns()
        kind: StepKind = "task" if agent is not None else "tool" if tool is not None else "turn"
        came = text if result is None else result
        path = (task or agent or tool or "answer",)
        told = Step(
            agent, kind, task, tool, arguments, came, None, now, now, Tokens(), None, path
        )  # fmt: skip
        with self._lock:
            self._callback_steps.append(told)

    def _on_event(self, source: Any, event: Any) -> None:
        """Run by the bus in a copy of the emitter's context, by which a log knows its own crews."""
        if self._is_own(self):
            fact = event_from_crewai(source, event)
            with self._lock:
                self._events.append(fact)


def _attribute_to_agent(step: Step, turns: list[Step]) -> Step:
    """The step, with the agent that was at work then; none where several were."""
    then = [turn for turn in turns if turn.started_ns <= step.started_ns <= turn.ended_ns]
    if step.agent is not None or len(then) != 1:
        return step
    return replace(step, agent=then[0].agent, task=then[0].task)
