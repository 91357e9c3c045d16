"""Steps: all that a crew did, in order, read from its trace, or heard on the way without one."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from instrumentation.steps.step import Step, StepKind, sort_steps
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace

if TYPE_CHECKING:
    from instrumentation.steps.step_log import StepLog

STEP_KINDS: Mapping[str, StepKind] = {
    "TASK": "task",
    "AGENT": "turn",
    "LLM": "completion",
    "TOOL": "tool",
    "GUARDRAIL": "guardrail",
}
"""The types of the spans that are steps; a crew's own is a CHAIN with the attribute `flight_recorder.crew.name`."""


def steps_from_trace(trace: Trace) -> tuple[Step, ...]:
    """The steps that a trace holds, in order. Raises nothing: a trace without a crew has none."""
    found: list[Step] = []
    for root in trace.roots:
        _collect(root, (), None, None, found)
    return sort_steps(found)


_ACTIVE_LOGS: ContextVar["tuple[StepLog, ...]"] = ContextVar("logs that hear the running code")


@contextmanager
def collect_steps() -> Generator["StepLog"]:
    """Hear the steps of the crews that are kicked off inside the block, and of no others.

    Nothing need be recorded. `log.steps` is whole once the block has ended; `log.said` is what the
    callbacks `on_step` and `on_task` were told. Work in a thread that the user starts himself
    belongs to the block only if it runs in a copy of its context.
    """
    from instrumentation.steps.step_log import StepLog  # CrewAI: four seconds

    log = StepLog(lambda own: own in _ACTIVE_LOGS.get(()))
    token = _ACTIVE_LOGS.set((*_ACTIVE_LOGS.get(()), log))
    try:
        with log.listen():
            yield log
    finally:
        _ACTIVE_LOGS.reset(token)


def on_step(step: Any) -> None:
    """A `step_callback` for a crew or an agent: tells the logs of the block around it.

    A function of a module, for CrewAI can write no other callback into a checkpoint.
    """
    for log in _ACTIVE_LOGS.get(()):
        log.on_step(step)


def on_task(output: Any) -> None:
    """A `task_callback` for a crew, or a task's `callback`, in the same way."""
    for log in _ACTIVE_LOGS.get(()):
        log.on_task(output)


def _collect(
    span: Span, path: tuple[str, ...], agent: str | None, task: str | None, found: list[Step]
) -> None:
    kind = "crew" if "flight_recorder.crew.name" in span.attributes else STEP_KINDS.get(span.type)
    if kind is not None:
        path = (*path, span.name)
        agent = span.name if kind == "turn" else None if kind in ("crew", "task") else agent
        task = span.name if kind == "task" else task
        found.append(_build_step(span, kind, path, agent, task))
    for child in span.children:
        _collect(child, path, agent, task, found)


def _build_step(
    span: Span, kind: StepKind, path: tuple[str, ...], agent: str | None, task: str | None
) -> Step:
    attempts = span.attributes.get("flight_recorder.http.attempts")
    refused = tuple(one.name for one in span.children if one.type == "ATTEMPT")
    return Step(
        agent=agent,
        kind=kind,
        task=task,
        tool=span.name if kind == "tool" else None,
        arguments=span.inputs if kind == "tool" else None,
        result=None if span.failed else step_result(kind, span.outputs),
        error=(span.status_message or "failed") if span.failed else None,
        started_ns=span.start_ns,
        ended_ns=span.end_ns,
        tokens=span.tokens if kind == "completion" else type(span.tokens)(),
        model=span.attributes.get("gen_ai.request.model") if kind == "completion" else None,
        path=path,
        attempt_count=attempts,
        failed_attempts=refused,
        finish_reason=_finish_reason(span.outputs)
        if kind == "completion" and not span.failed
        else None,
    )


def _finish_reason(outputs: Any) -> str | None:
    choices = outputs.get("choices") if isinstance(outputs, Mapping) else None
    return choices[0].get("finish_reason") if choices else None


def step_result(kind: StepKind, outputs: Any) -> Any:
    """What came of a step, of all that its span keeps as outputs."""
    if not isinstance(outputs, Mapping):
        return outputs
    if kind == "completion":
        choices = outputs.get("choices") or [{}]
        return (choices[0].get("message") or {}).get("content")
    return outputs.get({"turn": "output"}.get(kind, "raw"), None if kind != "tool" else outputs)
