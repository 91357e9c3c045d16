"""The steps of a run (tasks, turns, completions, tools …): from its trace, or live for CrewAI."""

from instrumentation.steps.step import Step, StepKind
from instrumentation.steps.step_collection import collect_steps, on_step, on_task
from instrumentation.steps.trace_steps import steps_from_trace

__all__ = ["Step", "StepKind", "collect_steps", "on_step", "on_task", "steps_from_trace"]
