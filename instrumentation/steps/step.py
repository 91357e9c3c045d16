"""A step: one piece of a crew's work (a task, turn, completion, tool call …), with its times."""

from dataclasses import dataclass
from typing import Any, Literal

from instrumentation.trace.span import Tokens

StepKind = Literal["crew", "task", "turn", "completion", "tool", "guardrail"]


@dataclass(frozen=True)
class Step:
    """What an agent did: from the trace or from the event bus, it is the same.

    `path` names the steps around this one, outermost first, and then itself; a step is beneath
    another if its path begins with the other's and it lies within its time. Times are nanoseconds
    since the epoch. `result` is text or JSON values; of a completion that asks for tools, None.
    `error` begins with the error's class. `attempts` are the HTTP requests that it took, where they
    were counted; `refused` the names of those that failed ("HTTP 429").
    `finish` is why a completion ended, as the model tells ("stop", "length").
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
        """Whether the other is a part of this step."""
        return (
            other is not self
            and len(other.path) > len(self.path)
            and other.path[: len(self.path)] == self.path
            and self.started_ns <= other.started_ns
            and other.ended_ns <= self.ended_ns
        )


def sort_steps(steps: list[Step]) -> tuple[Step, ...]:
    """Steps as they began; a step before those inside it."""
    return tuple(sorted(steps, key=lambda step: (step.started_ns, len(step.path), step.path)))
