"""Alerts: thresholds over finished traces, as one declarative table, judged in one pass."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from instrumentation.alerts.alert_evaluator import AlertEvaluator
from instrumentation.alerts.alert_result import AlertFinding, AlertResult
from instrumentation.alerts.alert_rule import AlertRule
from instrumentation.alerts.finished_trace import FinishedTrace

__all__ = [
    "AlertFinding",
    "AlertReport",
    "AlertResult",
    "AlertRule",
    "FinishedTrace",
    "evaluate_alerts",
]


@dataclass(frozen=True)
class AlertReport:
    """What all alerts of a table came to, over how many `traces`."""

    traces: int
    results: tuple[AlertResult, ...] = field(default=())

    @property
    def is_firing(self) -> bool:
        return any(outcome.findings for outcome in self.results)

    @property
    def is_inconclusive(self) -> bool:
        """Whether something that had to be judged could not be: for want of it, nothing passes."""
        return not self.traces or any(outcome.is_inconclusive for outcome in self.results)

    def to_json(self) -> dict[str, Any]:
        return {
            "traces": self.traces,
            "alarmed": self.is_firing,
            "blind": self.is_inconclusive,
            "alerts": [outcome.to_json() for outcome in self.results],
        }


def evaluate_alerts(rules: Sequence[AlertRule], traces: Iterable[FinishedTrace]) -> AlertReport:
    """Hold each trace against each alert, one trace after another, and keep none of them."""
    watches = [AlertEvaluator(alert) for alert in rules]
    seen = 0
    for finished in traces:
        seen += 1
        for watch in watches:
            watch.add_trace(finished)
    return AlertReport(seen, tuple(watch.result() for watch in watches))
