"""Record a `ConditionalTask` whose condition is not met: CrewAI skips it without an event."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from patches.crewai.spans.crew_spans import CrewSpan, TaskSpan
from patches.crewai.spans.event_span import ExpectedStart
from patches.patch import Patch
from patches.support.autolog_wrappers import is_autolog_on
from patches.support.call_wrapping import wrap_in_all_subclasses


def _apply() -> AbstractContextManager[None]:
    from crewai.tasks.conditional_task import ConditionalTask

    return wrap_in_all_subclasses(ConditionalTask, "get_skipped_task_output", _wrap_skip)


def _wrap_skip(skip: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(skip)
    def wrapper(task: Any, *args: Any, **kwargs: Any) -> Any:
        output = skip(task, *args, **kwargs)
        if is_autolog_on("crewai") and CrewSpan.nearest() is not None:
            span = TaskSpan(task, ExpectedStart(type="task_started", context=""))
            span.span.set_attribute("flight_recorder.crew.task.skipped", True)
            span.outputs = {"raw": output.raw}
            span.end()
        return output

    return wrapper


PATCH = Patch(
    name="crewai.skipped_tasks",
    symptom="a ConditionalTask whose condition is not met leaves no span",
    upstream="crewai.crews.utils.check_conditional_skip, which emits no event",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="CrewAI emits an event for a task that it skips",
    canary="tests/patches/crewai/test_skipped_tasks.py"
    "::test_upstream_crewai_emits_an_event_for_a_skipped_task",
    apply=_apply,
    wraps={"crewai.tasks.conditional_task:ConditionalTask.get_skipped_task_output": "self"},
)
