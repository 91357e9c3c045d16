"""Expectations about executed code: the files that it writes, and the limits that end it."""

import re

from instrumentation.trace import Span, Trace
from scenarios.expectations.calls.tools import tool_calls
from scenarios.expectations.expectation import Expectation, expectation
from scenarios.expectations.wording import list_names

CODE_TOOL = "execute_code"
LANGUAGES_ATTRIBUTE = "flight_recorder.code.languages"
FILES_WRITTEN_ATTRIBUTE = "flight_recorder.code.files_written"
SANDBOX_PREFIX = "flight_recorder.sandbox."


@expectation(
    "{agent}'s code writes a file outside of its folder that matches /{pattern}/",
    signals_failure=True,
    span_name=CODE_TOOL,
)
def code_writes_outside(trace: Trace, agent: str, pattern: str) -> str | None:
    """The agent's code writes a file outside of its own folder whose path matches the pattern."""
    written = _files_written(trace, agent)
    if written is None:
        return _no_execution(trace)
    if any(re.search(pattern, path) for path in filter(_is_outside, written)):
        return None
    return f"it wrote {', '.join(written) or 'no file'}"


def code_stays_in_folder(agent: str, path: str = "") -> Expectation:
    """The agent's code writes no file outside of its own folder, and `path` inside."""

    def explain_failure(trace: Trace) -> str | None:
        written = _files_written(trace, agent)
        if written is None:
            return _no_execution(trace)
        if outside := list(filter(_is_outside, written)):
            return f"it wrote {', '.join(outside)}"
        return f"it did not write {path}" if path and path not in written else None

    inside = f"writes {path} and " if path else ""
    return Expectation(
        f"{agent}'s code {inside}writes nothing outside of its folder",
        explain_failure,
        (agent,),
        span_name=CODE_TOOL,
    )


@expectation("{agent}'s code is stopped by the limit {limit}", span_name=CODE_TOOL)
def code_is_stopped(trace: Trace, agent: str, limit: str) -> str | None:
    """A limit of the sandbox ends the agent's last execution."""
    if not (executions := _executions(trace, agent)):
        return _no_execution(trace)
    found = executions[-1].attributes.get(f"{SANDBOX_PREFIX}ended_by")
    return None if found == limit else f"it was ended by {found or 'no limit'}"


@expectation("{agent}'s code has no limit {limit}", span_name=CODE_TOOL)
def code_has_no_limit(trace: Trace, agent: str, limit: str) -> str | None:
    """No execution of the agent's code has the limit."""
    if not (executions := _executions(trace, agent)):
        return _no_execution(trace)
    found = [one.attributes.get(f"{SANDBOX_PREFIX}limit.{limit}") for one in executions]
    limits = [str(one) for one in found if one is not None]
    return f"it has the limit {', '.join(limits)}" if limits else None


def _is_outside(path: str) -> bool:
    return path.startswith(("..", "/"))


def _executions(trace: Trace, agent: str) -> list[Span]:
    return [call for call in tool_calls(trace, agent) if LANGUAGES_ATTRIBUTE in call.attributes]


def _files_written(trace: Trace, agent: str) -> list[str] | None:
    """The files that the agent's code wrote; None if it ran no code."""
    executions = _executions(trace, agent)
    files = [one for call in executions for one in call.attributes.get(FILES_WRITTEN_ATTRIBUTE, ())]
    return files if executions else None


def _no_execution(trace: Trace) -> str:
    return f"it ran no code; tools: {list_names(trace, 'TOOL')}"
