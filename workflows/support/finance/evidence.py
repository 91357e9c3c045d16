"""The evidence of one run: the results of its tools, the lookups that failed, and the checks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal, get_args

from crewai import Task

from instrumentation import FigureCheck, SharedState

Query = tuple[str, str, str]
"""The country, indicator and period of a lookup."""
MissingReason = Literal["source changed", "unavailable", "no data"]
"""Why a figure is missing, the most serious reason first."""


@dataclass
class Evidence:
    """What the tools of one run returned, and the checks made. Tools of several threads add to it.

    `state` holds the agents' notes; `tasks` are the crew's, by name.
    """

    state: SharedState = field(default_factory=SharedState)
    tool_results: list[str] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    checks: list[FigureCheck] = field(default_factory=list)
    missing: dict[Query, MissingReason] = field(default_factory=dict)
    failure_counts: dict[Query, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def task_outputs(self) -> list[str]:
        return [task.output.raw for task in self.tasks.values() if task.output]

    @property
    def verified(self) -> bool:
        """Whether the last check in this run found no fault."""
        return bool(self.checks) and self.checks[-1].passed

    def missing_reason(self) -> MissingReason | None:
        """The most serious reason for which a requested figure is missing; None if none is."""
        reasons = set(self.missing.values())
        return next((reason for reason in get_args(MissingReason) if reason in reasons), None)

    def add_result(self, tool_name: str, query: Query, result: Any) -> str:
        """Record the result of a lookup, and return it as JSON text for the agent."""
        text = to_json_text(result)
        with self._lock:
            self.tool_results.append(text)
            self.failure_counts.pop(query, None)
            self.missing.pop(query, None)
            if isinstance(result, Mapping) and result.get("value", "") is None:
                self.missing[query] = "no data"
        self.state.record_tool_result(tool_name, text)
        return text

    def add_failure(self, query: Query, reason: MissingReason) -> int:
        """Record that a lookup failed, and return how often this one has failed so far."""
        with self._lock:
            self.missing[query] = reason
            self.failure_counts[query] = self.failure_counts.get(query, 0) + 1
            return self.failure_counts[query]


def to_json_text(result: Any) -> str:
    """The text that an agent reads of a tool's result."""
    return json.dumps(result, ensure_ascii=False)
