"""Collect the steps of crews while they run, from CrewAI's event bus; no tracing is needed."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from instrumentation.steps.step_log import StepLog

_ACTIVE_LOGS: ContextVar["tuple[StepLog, ...]"] = ContextVar("active_step_logs", default=())


@contextmanager
def collect_steps() -> Generator["StepLog"]:
    """Collect the steps of the crews that are kicked off inside the block, and of no others.

    `log.steps` is complete once the block has ended. `log.callback_steps` holds the calls of the
    callbacks `on_step` and `on_task`. Work in a thread that the program starts itself belongs to
    the block only if it runs in a copy of its context.

    Example:
        with collect_steps() as log:
            crew.kickoff()
        attributes = telemetry_attributes(log.steps)
    """
    from instrumentation.steps.step_log import StepLog  # importing CrewAI takes four seconds

    log = StepLog(lambda own: own in _ACTIVE_LOGS.get())
    token = _ACTIVE_LOGS.set((*_ACTIVE_LOGS.get(), log))
    try:
        with log.listen():
            yield log
    finally:
        _ACTIVE_LOGS.reset(token)


def on_step(step: Any) -> None:
    """A `step_callback` for a crew or an agent: adds the step to the logs of the enclosing blocks.

    It is a function at module level, because CrewAI cannot write others into a checkpoint.
    """
    for log in _ACTIVE_LOGS.get():
        log.on_step(step)


def on_task(output: Any) -> None:
    """A `task_callback` for a crew, or a `callback` for a task, that works like `on_step`."""
    for log in _ACTIVE_LOGS.get():
        log.on_task(output)
