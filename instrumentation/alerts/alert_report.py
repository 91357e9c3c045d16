"""Alerts: thresholds over finished traces, as one declarative table, judged in one pass."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from instrumentation.alerts.alert_evaluator import Watch
from instrumentation.alerts.alert_result import Finding, Outcome
from instrumentation.alerts.alert_rule import Alert
from instrumentation.alerts.finished_trace import Finished

__all__ = ["Alert", "Finding", "Finished", "Outcome", "Report", "judged"]


@dataclass(frozen=True)
class Report:
    """What all alerts of a table came to, over how many `traces`."""

    traces: int
    outcomes: tuple[Outcome, ...] = field(default=())

    @property
    def alarmed(self) -> bool:
        return any(outcome.findings for outcome in self.outcomes)

    @property
    def blind(self) -> bool:
        """Whether something that had to be judged could not be: for want of it, nothing passes."""
        return not self.traces or any(outcome.blind for outcome in self.outcomes)

    def to_json(self) -> dict[str, Any]:
        return {
            "traces": self.traces,
            "alarmed": self.alarmed,
            "blind": self.blind,
            "alerts": [outcome.to_json() for outcome in self.outcomes],
        }


def judged(table: Sequence[Alert], traces: Iterable[Finished]) -> Report:
    """Hold each trace against each alert, one trace after another, and keep none of them."""
    watches = [Watch(alert) for alert in table]
    seen = 0
    for finished in traces:
        seen += 1
        for watch in watches:
            watch.see(finished)
    return Report(seen, tuple(watch.outcome() for watch in watches))
