"""The results of alert rules: findings, one result per rule, and a report of all rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from instrumentation.alerts.alert_rule import AlertRule


@dataclass(frozen=True)
class AlertFinding:
    """One violation of a rule.

    Attributes:
        message: A sentence with the value and the threshold.
        measured: In the unit that the name of the measure says.
        trace_id: The trace to look at; of a whole time window, the one that contributes most.
        span: The name of the span to look at.
    """

    message: str
    measured: float
    trace_id: str
    span: str
    agent: str | None = None

    def to_json(self) -> dict[str, Any]:
        return vars(self) | {"measured": round(self.measured, 6), "trace_id": self.trace_id or None}


@dataclass(frozen=True)
class AlertResult:
    """The result of one rule.

    Attributes:
        readings: The number of measurements.
        findings: The worst violations, the worst one first.
        alarms: The number of all violations.
        not_evaluated_reason: Why the rule was not evaluated; None if it was.
    """

    alert: AlertRule
    readings: int
    findings: tuple[AlertFinding, ...] = ()
    alarms: int = 0
    not_evaluated_reason: str | None = None

    @property
    def is_inconclusive(self) -> bool:
        """Whether a rule that is not optional could not be evaluated."""
        return self.not_evaluated_reason is not None and not self.alert.optional

    def to_json(self) -> Mapping[str, Any]:
        """The result as `alerts --json` prints it and webhooks receive it."""
        return {
            "alert": self.alert.name,
            "measure": self.alert.measure,
            "aggregate": self.alert.aggregate,
            "limit": self.alert.limit,
            "readings": self.readings,
            "alarms": self.alarms,
            "findings": [finding.to_json() for finding in self.findings],
            "not_evaluated_reason": self.not_evaluated_reason,
        }


@dataclass(frozen=True)
class AlertReport:
    """The results of all rules, and the number of evaluated traces."""

    traces: int
    results: tuple[AlertResult, ...] = ()

    @property
    def is_firing(self) -> bool:
        return any(result.findings for result in self.results)

    @property
    def is_inconclusive(self) -> bool:
        """Whether there was no trace, or a required rule could not be evaluated: then no pass."""
        return not self.traces or any(result.is_inconclusive for result in self.results)

    def to_json(self) -> dict[str, Any]:
        return {
            "traces": self.traces,
            "firing": self.is_firing,
            "inconclusive": self.is_inconclusive,
            "alerts": [result.to_json() for result in self.results],
        }
