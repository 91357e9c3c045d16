"""A finding: one place at which an alert alarms, with what was measured against what is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from instrumentation.alerts.alert_rule import AlertRule


@dataclass(frozen=True)
class AlertFinding:
    """`says` is a sentence; the trace and the span are those to look at, of a whole window those
    that weigh most. `measured` is in the unit that the name of the alert's measure says."""

    message: str
    measured: float
    trace_id: str
    span: str
    agent: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "says": self.message,
            "measured": round(self.measured, 6),
            "trace_id": self.trace_id or None,
            "span": self.span,
            "agent": self.agent,
        }


@dataclass(frozen=True)
class AlertResult:
    """What one alert came to: its findings, the worst first, and how many `alarms` there were in
    all, of which the findings are those that are shown. `why_not` says why it judged nothing."""

    alert: AlertRule
    readings: int
    findings: tuple[AlertFinding, ...] = ()
    alarms: int = 0
    not_evaluated_reason: str | None = None

    @property
    def is_inconclusive(self) -> bool:
        """Whether it had to judge and could not."""
        return self.not_evaluated_reason is not None and not self.alert.optional

    def to_json(self) -> Mapping[str, Any]:
        """This outcome for a program, as `alerts --json` prints it and a webhook is told it."""
        return {
            "alert": self.alert.name,
            "measure": self.alert.measure,
            "taken": self.alert.taken,
            "limit": self.alert.limit,
            "readings": self.readings,
            "alarms": self.alarms,
            "findings": [finding.to_json() for finding in self.findings],
            "why_not": self.not_evaluated_reason,
        }
