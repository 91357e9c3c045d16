"""One step of a run: a crew, task, turn, completion, tool call or guardrail check."""

from dataclasses import dataclass
from typing import Any, Literal

from instrumentation.trace.span import Tokens

StepKind = Literal["crew", "task", "turn", "completion", "tool", "guardrail"]


@dataclass(frozen=True)
class Step:
    """One step. It is the same whether it was read from the trace or from CrewAI's event bus.

    Attributes:
        result: Text or JSON values; None for a completion that requests tool calls.
        error: The message of an error, which begins with its class; None if the step succeeded.
        started_ns, ended_ns: Nanoseconds since the epoch.
        path: The names of the enclosing steps, outermost first, then the step's own name.
        attempt_count: How many HTTP requests it took, if they were counted.
        failed_attempts: The names of the failed ones, such as "HTTP 429".
        finish_reason: Why a completion ended, as the model reports it ("stop", "length").
    """

    agent: str | None
    kind: StepKind
    task: str | None
    tool: str | None
    arguments: Any
    result: Any
    error: str | None
    started_ns: int
    ended_ns: int
    tokens: Tokens
    model: str | None
    path: tuple[str, ...]
    attempt_count: int | None = None
    failed_attempts: tuple[str, ...] = ()
    finish_reason: str | None = None

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def duration_ns(self) -> int:
        return self.ended_ns - self.started_ns

    def contains(self, other: "Step") -> bool:
        """Return whether the other step is inside this one, by its path and by its times."""
        return (
            other is not self
            and len(other.path) > len(self.path)
            and other.path[: len(self.path)] == self.path
            and self.started_ns <= other.started_ns
            and other.ended_ns <= self.ended_ns
        )


def sort_steps(steps: list[Step]) -> tuple[Step, ...]:
    """Sort steps by their start; a step comes before the steps inside it."""
    return tuple(sorted(steps, key=lambda step: (step.started_ns, len(step.path), step.path)))
