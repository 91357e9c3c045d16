"""A timeline: for each step, how long it waited, and how long it worked itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from instrumentation.steps.step import Step


@dataclass(frozen=True)
class TimedStep:
    """A step with its times, in nanoseconds.

    `queue_ns` is from the moment at which it could have begun to that at which it did: the end of
    what came before it in the same step around it, else the beginning of that. `work_ns` is its
    own time, without that of the steps inside it.
    """

    step: Step
    queue_ns: int
    work_ns: int


def build_timeline(steps: Sequence[Step]) -> tuple[TimedStep, ...]:
    """Each step, timed, in the order given."""
    inside: dict[int, list[Step]] = {}
    around: dict[int, Step] = {}
    by_path: dict[tuple[str, ...], list[Step]] = {}
    for step in steps:
        by_path.setdefault(step.path, []).append(step)
    for step in steps:
        parent = _enclosing_step(step, by_path)
        if parent is not None:
            around[id(step)] = parent
            inside.setdefault(id(parent), []).append(step)
    return tuple(
        TimedStep(step, _queue_ns(step, around, inside), _work_ns(step, inside.get(id(step), ())))
        for step in steps
    )


def _enclosing_step(step: Step, by_path: dict[tuple[str, ...], list[Step]]) -> Step | None:
    """The step directly around this one; of several of its name, the one that held it."""
    for length in range(len(step.path) - 1, 0, -1):
        for other in by_path.get(step.path[:length], ()):
            if other.contains(step):
                return other
    return None


def _queue_ns(step: Step, around: dict[int, Step], inside: dict[int, list[Step]]) -> int:
    parent = around.get(id(step))
    if parent is None:
        return 0
    before = [other.ended_ns for other in inside[id(parent)] if other.ended_ns <= step.started_ns]
    return step.started_ns - max([parent.started_ns, *before])


def _work_ns(step: Step, inside: Sequence[Step]) -> int:
    """Its duration, less the time in which at least one step inside it was under way."""
    busy, until = 0, step.started_ns
    for part in sorted(inside, key=lambda part: part.started_ns):
        busy += max(0, part.ended_ns - max(until, part.started_ns))
        until = max(until, part.ended_ns)
    return step.duration_ns - busy
