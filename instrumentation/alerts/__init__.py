"""Alerts: threshold rules over finished traces (latency, cost, failures, lost handoffs …)."""

from instrumentation.alerts.alert_evaluator import evaluate_alerts
from instrumentation.alerts.alert_result import AlertFinding, AlertReport, AlertResult
from instrumentation.alerts.alert_rule import AlertRule
from instrumentation.alerts.measurement import FinishedTrace

__all__ = [
    "AlertFinding",
    "AlertReport",
    "AlertResult",
    "AlertRule",
    "FinishedTrace",
    "evaluate_alerts",
]
