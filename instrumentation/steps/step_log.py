"""A log of the steps of running crews, from CrewAI's event bus and its callbacks."""

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

from instrumentation.steps.crew_event import CrewEvent
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
"""Events that start or end a step, and those that link a step to the steps inside it."""
FLUSH_TIMEOUT_S = 30.0
"""How long to wait for outstanding events when the block ends."""


class StepLog:
    """The steps of the crews that were kicked off in a `collect_steps` block.

    Attributes:
        is_complete: False if the event bus did not deliver all events in time, so that steps may be
            missing.
    """

    def __init__(self, is_own: "Callable[[StepLog], bool]") -> None:
        """`is_own` says, in the context of each event, whether the event belongs to this log."""
        self._is_own = is_own
        self._lock = Lock()
        self._events: list[CrewEvent] = []
        self._callback_steps: list[Step] = []
        self._ended_ns: int | None = None
        self.is_complete = True

    @contextmanager
    def listen(self) -> Generator[None]:
        """Listen to the event bus for the block, and wait at its end for outstanding events."""
        for event in RECORDED_EVENTS:
            crewai_event_bus.register_handler(event, self._on_event)
        try:
            yield
        finally:
            self._ended_ns = time_ns()
            self.is_complete = crewai_event_bus.flush(FLUSH_TIMEOUT_S)
            for event in RECORDED_EVENTS:
                crewai_event_bus.off(event, self._on_event)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that have ended so far, in order.

        Once the block has ended, steps that have not ended are included as failed ones, with an
        error that begins with "Interrupted".
        """
        with self._lock:
            events = list(self._events)
        return pair_events(events, self._ended_ns)

    @property
    def callback_steps(self) -> tuple[Step, ...]:
        """The calls of `on_step` and `on_task`, in order.

        CrewAI does not tell these callbacks which agent is at work. So the agent is the one that
        was at work at the time, if there was exactly one.
        """
        turns = [step for step in self.steps if step.kind == "turn"]
        with self._lock:
            steps = list(self._callback_steps)
        return sort_steps([_attribute_to_agent(step, turns) for step in steps])

    def on_step(self, step: Any) -> None:
        """Handle a call of a `step_callback`: a thought, the result of a tool, or an answer."""
        text = getattr(step, "text", "") or getattr(step, "output", "")
        result = getattr(step, "result", None)
        self._add_callback_step(
            text if result is None else result,
            tool=getattr(step, "tool", None),
            arguments=getattr(step, "tool_input", None),
        )

    def on_task(self, output: Any) -> None:
        """Handle a call of a `task_callback`: the output of a task."""
        self._add_callback_step(output.raw, agent=output.agent.strip(), task=output.name)

    def _add_callback_step(
        self,
        result: Any,
        *,
        tool: str | None = None,
        arguments: Any = None,
        agent: str | None = None,
        task: str | None = None,
    ) -> None:
        now_ns = time_ns()
        kind: StepKind = "task" if agent is not None else "tool" if tool is not None else "turn"
        step = Step(
            agent=agent,
            kind=kind,
            task=task,
            tool=tool,
            arguments=arguments,
            result=result,
            error=None,
            started_ns=now_ns,
            ended_ns=now_ns,
            tokens=Tokens(),
            model=None,
            path=(task or agent or tool or "answer",),
        )
        with self._lock:
            self._callback_steps.append(step)

    def _on_event(self, source: Any, event: Any) -> None:
        """Handle an event. The bus calls this in a copy of the emitter's context."""
        if self._is_own(self):
            converted = CrewEvent.from_crewai(source, event)
            with self._lock:
                self._events.append(converted)


def _attribute_to_agent(step: Step, turns: list[Step]) -> Step:
    """Fill in the agent that was at work when a callback was called, if there was exactly one."""
    running = [turn for turn in turns if turn.started_ns <= step.started_ns <= turn.ended_ns]
    if step.agent is not None or len(running) != 1:
        return step
    return replace(step, agent=running[0].agent, task=running[0].task)
