"""Build steps by hand, for tests of functions that read steps."""

from typing import Any

from instrumentation.steps.step import Step, StepKind
from instrumentation.trace.span import Tokens

NS_PER_MS = 1_000_000


def make_step(kind: StepKind, path: str, start_ms: int, end_ms: int, **fields: Any) -> Step:
    """Build a step from a path "crew/task/agent/…", which also names its task and agent."""
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
    return Step(kind=kind, **defaults | fields)


def make_turn(*calls: tuple[str, Any, Any], agent: str = "data") -> list[Step]:
    """Build a turn with sequential tool calls, each given as name, arguments and result."""
    path = f"office/get/{agent}"
    tool_calls = [
        make_step("tool", f"{path}/{tool}", index, index + 1, arguments=arguments, result=result)
        for index, (tool, arguments, result) in enumerate(calls)
    ]
    return [make_step("turn", path, 0, len(calls) + 1), *tool_calls]
