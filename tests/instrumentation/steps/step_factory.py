"""Made steps: steps spelt in Python, for tests of what is read from steps."""

from typing import Any

from instrumentation.steps.step import Step, StepKind
from instrumentation.trace.span import Tokens

NS_PER_MS = 1_000_000
"""A millisecond, in nanoseconds."""


def make_step(kind: StepKind, path: str, start_ms: int, end_ms: int, **more: Any) -> Step:
    """A step whose path is given as "crew/task/agent/…"; tasks and agents stand in their place."""
    names = tuple(path.split("/"))
    defaults: dict[str, Any] = {
        "agent": names[2] if len(names) > 2 else None,
        "task": names[1] if len(names) > 1 else None,
        "tool": names[-1] if kind == "tool" else None,
        "arguments": None,
        "result": None,
        "error": None,
        "tokens": Tokens(),
        "model": "taped" if kind == "completion" else None,
    }
    defaults |= {"started_ns": start_ms * NS_PER_MS, "ended_ns": end_ms * NS_PER_MS, "path": names}
    return Step(kind=kind, **defaults | more)


def make_turn(*calls: tuple[str, Any, Any], agent: str = "data") -> list[Step]:
    """A turn that makes these tool calls one after the other: name, arguments, result."""
    path = f"office/get/{agent}"
    made = [
        make_step("tool", f"{path}/{tool}", at, at + 1, arguments=arguments, result=result)
        for at, (tool, arguments, result) in enumerate(calls)
    ]
    return [make_step("turn", path, 0, len(calls) + 1), *made]
