"""A watch: an alert at work, which sees one finished trace after another and keeps none."""

import heapq
import math
from array import array

from instrumentation.alerts.alert_result import AlertFinding, AlertResult
from instrumentation.alerts.alert_rule import EACH, AlertRule
from instrumentation.alerts.finished_trace import FinishedTrace
from instrumentation.alerts.measures import MEASURES
from instrumentation.alerts.reading import Reading

MAX_FINDINGS = 10
"""How many findings of one alert are shown: the worst."""


class AlertEvaluator:
    """Of what it sees it keeps the worst, and where a window is judged, a number a reading."""

    def __init__(self, alert: AlertRule) -> None:
        self._alert = alert
        self._reading_count = 0
        self._alarm_count = 0
        self._values = array("d")
        self._worst: list[tuple[float, int, AlertFinding]] = []

    def add_trace(self, finished: FinishedTrace) -> None:
        """Read a trace, if the alert is about it."""
        for reading in self._alert.measure_trace(finished):
            self._reading_count += 1
            excess = self._alert.excess(reading.value)
            if self._alert.taken != EACH:
                self._values.append(reading.value)
            elif excess > 0:
                self._alarm_count += 1
            else:
                continue
            self._keep_worst(excess, self._to_finding(reading, finished))

    def result(self) -> AlertResult:
        """What it has come to until now."""
        if self._reading_count < self._alert.needs:
            return AlertResult(
                self._alert, self._reading_count, not_evaluated_reason=self._not_evaluated_reason()
            )
        if self._alert.taken != EACH:
            return self._window_result()
        worst = sorted(self._worst, reverse=True)
        found = tuple(finding for _, _, finding in worst)
        return AlertResult(self._alert, self._reading_count, found, self._alarm_count)

    def _keep_worst(self, excess: float, finding: AlertFinding) -> None:
        """Of two that are alike, the one that was seen first."""
        entry = (excess, -self._reading_count, finding)
        if len(self._worst) < MAX_FINDINGS:
            heapq.heappush(self._worst, entry)
        else:
            heapq.heappushpop(self._worst, entry)

    def _to_finding(self, reading: Reading, finished: FinishedTrace) -> AlertFinding:
        says = f"{reading.message}; {self._alert.limit}"
        return AlertFinding(says, reading.value, finished.id, reading.span.name, reading.agent)

    def _window_result(self) -> AlertResult:
        value = aggregate_values(self._values, self._alert.taken)
        if self._alert.excess(value) <= 0:
            return AlertResult(self._alert, self._reading_count)
        _, _, worst = max(self._worst)
        told = MEASURES[self._alert.measure].format(value)
        says = (
            f"{self._alert.measure}: the {self._alert.taken} of {self._reading_count:,} readings is {told};"
            f" {self._alert.limit}; worst: {worst.message.removesuffix(f'; {self._alert.limit}')}"
        )
        finding = AlertFinding(says, value, worst.trace_id, worst.span, worst.agent)
        return AlertResult(self._alert, self._reading_count, (finding,), 1)

    def _not_evaluated_reason(self) -> str:
        alert = self._alert
        if not self._reading_count:
            return f"no trace of the window has a reading of {alert.measure} that it is about"
        return f"{alert.needs:,} readings are needed for a judgement, and there are {self._reading_count:,}"


def aggregate_values(values: "array[float]", aggregate: str) -> float:
    """One value of many, of which there is at least one; a percentile is the nearest rank's."""
    if aggregate == "total":
        return math.fsum(values)
    if aggregate.startswith("p"):
        rank = math.ceil(float(aggregate[1:]) / 100 * len(values))
        return sorted(values)[max(rank, 1) - 1]
    return math.fsum(values) / len(values)
