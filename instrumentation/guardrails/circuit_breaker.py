"""A circuit breaker for tools: per run, it limits the calls of a tool, and its repeated calls."""

import json
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import Any

from instrumentation.guardrails.guardrail import Check


class CircuitBreaker:
    """Blocks a tool after `max_calls` calls, and a call after it was made `max_repeats` times.

    The first limit stops a run that has gone wild. It must be far above the number of calls that
    honest work needs: ten invoices take ten calls. The second stops an agent that repeats itself.
    """

    def __init__(self, *, max_calls: int = 50, max_repeats: int = 3) -> None:
        """Raises `ValueError` for a limit below 1, which would block every call."""
        if max_calls < 1 or max_repeats < 1:
            raise ValueError(
                f"a circuit breaker needs limits of at least 1, but found max_calls={max_calls}"
                f" and max_repeats={max_repeats}: it would block every call"
            )
        self.max_calls, self.max_repeats = max_calls, max_repeats
        self._calls: Counter[str] = Counter()
        self._repeats: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def check_call(self, tool: str, arguments: Mapping[str, Any]) -> Check:
        """Count a call, unless it is blocked. Calls may come from several threads."""
        key = tool, json.dumps(arguments, sort_keys=True, default=str)
        with self._lock:
            calls, repeats = self._calls[tool], self._repeats[key]
            reason = self._find_reason(tool, calls, repeats)
            if not reason:
                self._calls[tool] += 1
                self._repeats[key] += 1
        figures: dict[str, int | float | str] = {
            "tool": tool,
            "call_count": calls,
            "call_limit": self.max_calls,
            "repeat_count": repeats,
            "repeat_limit": self.max_repeats,
        }
        return Check("circuit_breaker", reason, figures)

    def _find_reason(self, tool: str, calls: int, repeats: int) -> str:
        if repeats >= self.max_repeats:
            return (
                f"blocked: {tool} was already called {repeats} times with these arguments;"
                " do not repeat the call, and say what is missing"
            )
        if calls >= self.max_calls:
            return (
                f"blocked: {tool} was already called {calls} times in this run, and no more calls"
                " of it are allowed; say what is missing"
            )
        return ""
