"""Read the steps of a run from its trace: crews, tasks, turns, completions, tools, guardrails."""

from collections.abc import Mapping
from typing import Any

from instrumentation.steps.step import Step, StepKind, sort_steps
from instrumentation.trace.span import Span, Tokens
from instrumentation.trace.trace import Trace

STEP_KINDS: Mapping[str, StepKind] = {
    "TASK": "task",
    "AGENT": "turn",
    "LLM": "completion",
    "TOOL": "tool",
    "GUARDRAIL": "guardrail",
}
"""Span types that are steps. A crew is a CHAIN span with `flight_recorder.crew.name`."""


def steps_from_trace(trace: Trace) -> tuple[Step, ...]:
    """Return the steps of a trace, of any workflow, in the order in which they started."""
    steps: list[Step] = []
    for root in trace.roots:
        _collect(root, (), None, None, steps)
    return sort_steps(steps)


def _collect(
    span: Span, path: tuple[str, ...], agent: str | None, task: str | None, steps: list[Step]
) -> None:
    kind = "crew" if "flight_recorder.crew.name" in span.attributes else STEP_KINDS.get(span.type)
    if kind is not None:
        path = (*path, span.name)
        agent = span.name if kind == "turn" else None if kind in ("crew", "task") else agent
        task = span.name if kind == "task" else task
        steps.append(_build_step(span, kind, path, agent, task))
    for child in span.children:
        _collect(child, path, agent, task, steps)


def _build_step(
    span: Span, kind: StepKind, path: tuple[str, ...], agent: str | None, task: str | None
) -> Step:
    is_completion, is_tool = kind == "completion", kind == "tool"
    return Step(
        agent=agent,
        kind=kind,
        task=task,
        tool=span.name if is_tool else None,
        arguments=span.inputs if is_tool else None,
        result=None if span.failed else step_result(kind, span.outputs),
        error=(span.status_message or "failed") if span.failed else None,
        started_ns=span.start_ns,
        ended_ns=span.end_ns,
        tokens=span.tokens if is_completion else Tokens(),
        model=span.attributes.get("gen_ai.request.model") if is_completion else None,
        path=path,
        attempt_count=span.attributes.get("flight_recorder.http.attempts"),
        failed_attempts=tuple(child.name for child in span.children if child.type == "ATTEMPT"),
        finish_reason=_finish_reason(span.outputs) if is_completion and not span.failed else None,
    )


def _finish_reason(outputs: Any) -> str | None:
    choices = outputs.get("choices") if isinstance(outputs, Mapping) else None
    return choices[0].get("finish_reason") if choices else None


def step_result(kind: StepKind, outputs: Any) -> Any:
    """Extract the result of a step from the outputs of its span."""
    if not isinstance(outputs, Mapping):
        return outputs
    match kind:
        case "completion":
            choices = outputs.get("choices") or [{}]
            return (choices[0].get("message") or {}).get("content")
        case "turn":
            return outputs.get("output")
        case "tool":
            return outputs.get("raw", outputs)
    return outputs.get("raw")
