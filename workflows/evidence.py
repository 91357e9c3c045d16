"""Evidence: what the tools of one run said, what its agents said, and what was checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal, get_args

from crewai import Task

from instrumentation.figures.figure_check import FigureCheck
from instrumentation.state.shared_state import SharedState

Asked = tuple[str, str, str]
"""Country, indicator and period of a figure."""
Lack = Literal["source changed", "unavailable", "no data"]
LACKS: tuple[Lack, ...] = get_args(Lack)
"""Why a figure is not there, the worst reason first."""


@dataclass
class Evidence:
    """Each run has its own. Tools write to it from several threads at once."""

    state: SharedState = field(default_factory=SharedState)
    results: list[str] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    checks: list[FigureCheck] = field(default_factory=list)
    lacks: dict[Asked, Lack] = field(default_factory=dict)
    failures: dict[Asked, int] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock, repr=False)

    def told(self, tool: str, asked: Asked, result: Any) -> str:
        """Keep what a tool found, and return it as the JSON text that its agent is given."""
        said = json.dumps(result, ensure_ascii=False)
        with self.lock:
            self.results.append(said)
            self.failures.pop(asked, None)
            self.lacks.pop(asked, None)
            if isinstance(result, Mapping) and result.get("value", "") is None:
                self.lacks[asked] = "no data"
        self.state.record_tool_result(tool, said)
        return said

    def failed(self, asked: Asked, lack: Lack) -> int:
        """Keep that a figure could not be had; returns how often that has been so."""
        with self.lock:
            self.lacks[asked] = lack
            self.failures[asked] = self.failures.get(asked, 0) + 1
            return self.failures[asked]

    def lack(self) -> Lack | None:
        """The worst reason for which a figure that was asked for is not there."""
        reasons = set(self.lacks.values())
        return next((lack for lack in LACKS if lack in reasons), None)

    @property
    def outputs(self) -> list[str]:
        """What the finished tasks came to."""
        return [task.output.raw for task in self.tasks if task.output]

    @property
    def verified(self) -> bool:
        """Whether the last check of this run found no fault."""
        return bool(self.checks) and not self.checks[-1].unsupported
