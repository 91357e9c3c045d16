"""A watch: an alert at work, which sees one finished trace after another and keeps none."""

import heapq
import math
from array import array

from instrumentation.alerts.alert_result import Finding, Outcome
from instrumentation.alerts.alert_rule import EACH, Alert
from instrumentation.alerts.finished_trace import Finished
from instrumentation.alerts.measures import MEASURES
from instrumentation.alerts.reading import Reading

SHOWN = 10
"""How many findings of one alert are shown: the worst."""


class Watch:
    """Of what it sees it keeps the worst, and where a window is judged, a number a reading."""

    def __init__(self, alert: Alert) -> None:
        self._alert = alert
        self._read = 0
        self._alarms = 0
        self._values = array("d")
        self._worst: list[tuple[float, int, Finding]] = []

    def see(self, finished: Finished) -> None:
        """Read a trace, if the alert is about it."""
        for reading in self._alert.readings(finished):
            self._read += 1
            excess = self._alert.excess(reading.value)
            if self._alert.taken != EACH:
                self._values.append(reading.value)
            elif excess > 0:
                self._alarms += 1
            else:
                continue
            self._keep(excess, self._found(reading, finished))

    def outcome(self) -> Outcome:
        """What it has come to until now."""
        if self._read < self._alert.needs:
            return Outcome(self._alert, self._read, why_not=self._nothing())
        if self._alert.taken != EACH:
            return self._of_window()
        worst = sorted(self._worst, reverse=True)
        found = tuple(finding for _, _, finding in worst)
        return Outcome(self._alert, self._read, found, self._alarms)

    def _keep(self, excess: float, finding: Finding) -> None:
        """Of two that are alike, the one that was seen first."""
        entry = (excess, -self._read, finding)
        if len(self._worst) < SHOWN:
            heapq.heappush(self._worst, entry)
        else:
            heapq.heappushpop(self._worst, entry)

    def _found(self, reading: Reading, finished: Finished) -> Finding:
        says = f"{reading.says}; {self._alert.limit}"
        return Finding(says, reading.value, finished.id, reading.span.name, reading.agent)

    def _of_window(self) -> Outcome:
        value = aggregated(self._values, self._alert.taken)
        if self._alert.excess(value) <= 0:
            return Outcome(self._alert, self._read)
        _, _, worst = max(self._worst)
        told = MEASURES[self._alert.measure].form(value)
        says = (
            f"{self._alert.measure}: the {self._alert.taken} of {self._read:,} readings is {told};"
            f" {self._alert.limit}; worst: {worst.says.removesuffix(f'; {self._alert.limit}')}"
        )
        finding = Finding(says, value, worst.trace_id, worst.span, worst.agent)
        return Outcome(self._alert, self._read, (finding,), 1)

    def _nothing(self) -> str:
        alert = self._alert
        if not self._read:
            return f"no trace of the window has a reading of {alert.measure} that it is about"
        return f"{alert.needs:,} readings are needed for a judgement, and there are {self._read:,}"


def aggregated(values: "array[float]", taken: str) -> float:
    """One value of many, of which there is at least one; a percentile is the nearest rank's."""
    if taken == "total":
        return math.fsum(values)
    if taken.startswith("p"):
        rank = math.ceil(float(taken[1:]) / 100 * len(values))
        return sorted(values)[max(rank, 1) - 1]
    return math.fsum(values) / len(values)
