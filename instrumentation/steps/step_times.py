"""Compute for each step of a run how long it waited, and how long it worked itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from instrumentation.steps.step import Step


@dataclass(frozen=True)
class TimedStep:
    """A step with its waiting time and its own working time, in nanoseconds.

    Attributes:
        queue_ns: From the moment at which the step could have started until it did: from the end
            of the step before it inside the same enclosing step, or else from the start of the
            enclosing step.
        work_ns: The duration of the step without the steps inside it.
    """

    step: Step
    queue_ns: int
    work_ns: int


def build_timeline(steps: Sequence[Step]) -> tuple[TimedStep, ...]:
    """Compute the times of each step, in the order given."""
    inner_steps: dict[int, list[Step]] = {}
    parents: dict[int, Step] = {}
    by_path: dict[tuple[str, ...], list[Step]] = {}
    for step in steps:
        by_path.setdefault(step.path, []).append(step)
    for step in steps:
        parent = _enclosing_step(step, by_path)
        if parent is not None:
            parents[id(step)] = parent
            inner_steps.setdefault(id(parent), []).append(step)
    return tuple(
        TimedStep(
            step,
            _queue_ns(step, parents, inner_steps),
            _work_ns(step, inner_steps.get(id(step), ())),
        )
        for step in steps
    )


def _enclosing_step(step: Step, by_path: dict[tuple[str, ...], list[Step]]) -> Step | None:
    """The step directly around this one; of several with its name, the one that contains it."""
    for length in range(len(step.path) - 1, 0, -1):
        for other in by_path.get(step.path[:length], ()):
            if other.contains(step):
                return other
    return None


def _queue_ns(step: Step, parents: dict[int, Step], inner_steps: dict[int, list[Step]]) -> int:
    parent = parents.get(id(step))
    if parent is None:
        return 0
    siblings = inner_steps[id(parent)]
    ends = [other.ended_ns for other in siblings if other.ended_ns <= step.started_ns]
    return step.started_ns - max([parent.started_ns, *ends])


def _work_ns(step: Step, inner_steps: Sequence[Step]) -> int:
    """The duration of a step, minus the time in which at least one inner step was running."""
    busy_ns, until_ns = 0, step.started_ns
    for inner in sorted(inner_steps, key=lambda inner: inner.started_ns):
        busy_ns += max(0, inner.ended_ns - max(until_ns, inner.started_ns))
        until_ns = max(until_ns, inner.ended_ns)
    return step.duration_ns - busy_ns
