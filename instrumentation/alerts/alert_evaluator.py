"""Evaluate alert rules on finished traces in one pass, without keeping the traces in memory."""

import heapq
import math
from array import array
from collections.abc import Iterable, Sequence

from instrumentation.alerts.alert_result import AlertFinding, AlertReport, AlertResult
from instrumentation.alerts.alert_rule import EACH, AlertRule
from instrumentation.alerts.measurement import FinishedTrace, Measurement
from instrumentation.alerts.measures import MEASURES

MAX_FINDINGS = 10
"""How many findings of one rule are reported: the worst."""


def evaluate_alerts(rules: Sequence[AlertRule], traces: Iterable[FinishedTrace]) -> AlertReport:
    """Evaluate each rule on each trace.

    Example:
        report = evaluate_alerts(DEFAULT_ALERT_RULES, [FinishedTrace(trace)])
        assert not report.is_firing
    """
    evaluators = [AlertEvaluator(rule) for rule in rules]
    count = 0
    for finished in traces:
        count += 1
        for evaluator in evaluators:
            evaluator.add_trace(finished)
    return AlertReport(count, tuple(evaluator.result() for evaluator in evaluators))


class AlertEvaluator:
    """Evaluates one rule. It keeps the worst findings and, for aggregates, one number per value."""

    def __init__(self, rule: AlertRule) -> None:
        self._rule = rule
        self._reading_count = 0
        self._alarm_count = 0
        self._values = array("d")
        self._worst: list[tuple[float, int, AlertFinding]] = []

    def add_trace(self, finished: FinishedTrace) -> None:
        """Measure a trace, if the rule applies to it."""
        for measurement in self._rule.measure_trace(finished):
            self._reading_count += 1
            excess = self._rule.excess(measurement.value)
            if self._rule.aggregate != EACH:
                self._values.append(measurement.value)
            elif excess > 0:
                self._alarm_count += 1
            else:
                continue
            self._keep_worst(excess, self._to_finding(measurement, finished))

    def result(self) -> AlertResult:
        """The result of all traces so far."""
        rule = self._rule
        if self._reading_count < rule.min_readings:
            reason = self._not_evaluated_reason()
            return AlertResult(rule, self._reading_count, not_evaluated_reason=reason)
        if rule.aggregate != EACH:
            return self._window_result()
        findings = tuple(finding for _, _, finding in sorted(self._worst, reverse=True))
        return AlertResult(rule, self._reading_count, findings, self._alarm_count)

    def _keep_worst(self, excess: float, finding: AlertFinding) -> None:
        """Keep a finding if it is among the worst; of two equal ones, the first one."""
        entry = (excess, -self._reading_count, finding)
        if len(self._worst) < MAX_FINDINGS:
            heapq.heappush(self._worst, entry)
        else:
            heapq.heappushpop(self._worst, entry)

    def _to_finding(self, measurement: Measurement, finished: FinishedTrace) -> AlertFinding:
        message = measurement.message
        if self._rule.aggregate == EACH:
            message += f"; {self._rule.limit}"
        span, agent = measurement.span.name, measurement.agent
        return AlertFinding(message, measurement.value, finished.id, span, agent)

    def _window_result(self) -> AlertResult:
        rule = self._rule
        value = aggregate_values(self._values, rule.aggregate)
        if rule.excess(value) <= 0:
            return AlertResult(rule, self._reading_count)
        _, _, worst = max(self._worst)
        message = (
            f"{rule.measure}: the {rule.aggregate} of {self._reading_count:,} readings is"
            f" {MEASURES[rule.measure].format(value)}; {rule.limit};"
            f" worst: {worst.message}"
        )
        finding = AlertFinding(message, value, worst.trace_id, worst.span, worst.agent)
        return AlertResult(rule, self._reading_count, (finding,), 1)

    def _not_evaluated_reason(self) -> str:
        rule = self._rule
        if not self._reading_count:
            return f"no trace in the time window has a reading of {rule.measure} for this rule"
        return f"{rule.min_readings:,} readings are required, but there are {self._reading_count:,}"


def aggregate_values(values: "array[float]", aggregate: str) -> float:
    """Aggregate at least one value; a percentile is the nearest rank's."""
    if aggregate == "total":
        return math.fsum(values)
    if aggregate.startswith("p"):
        rank = math.ceil(float(aggregate[1:]) / 100 * len(values))
        return sorted(values)[max(rank, 1) - 1]
    return math.fsum(values) / len(values)
