"""The steps of a CrewAI run (tasks, turns, completions, tool calls …), from its trace or live."""

from instrumentation.steps.step import Step, StepKind
from instrumentation.steps.step_collection import collect_steps, on_step, on_task
from instrumentation.steps.trace_steps import steps_from_trace

__all__ = ["Step", "StepKind", "collect_steps", "on_step", "on_task", "steps_from_trace"]
