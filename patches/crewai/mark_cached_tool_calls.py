"""Mark the native tool calls whose result CrewAI takes from its cache.

The event of such a call looks like that of a call that was executed. CrewAI reads the cache between
the start event and the end event.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from patches.crewai.spans.tool_span import ToolSpan
from patches.patch import Patch
from patches.support.open_span import OpenSpan


def _wrap_read(read: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(read)
    def wrapper(self: Any, tool: str, *args: Any, **kwargs: Any) -> Any:
        result = read(self, tool, *args, **kwargs)
        span = OpenSpan.innermost()
        if result is not None and isinstance(span, ToolSpan) and span.name == tool:
            span.mark_cached()
        return result

    return wrapper


PATCH = Patch(
    name="crewai.mark_cached_tool_calls",
    symptom="a native tool call that is answered from the cache looks as if the tool had run",
    upstream="crewai.agents.agent_executor (`ToolUsageFinishedEvent` without `from_cache`)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="the event of a native tool call has `from_cache`",
    canary="tests/patches/crewai/test_mark_cached_tool_calls.py"
    "::test_upstream_crewai_reports_a_native_call_as_cached",
    methods={"crewai.agents.cache.cache_handler:CacheHandler.read": ("self, tool", _wrap_read)},
)
