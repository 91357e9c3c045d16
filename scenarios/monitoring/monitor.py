"""One pass over the traces that a store has received: metrics, scores and alerts.

MLflow's pages show the scores over time, because each one is an assessment of its trace.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from instrumentation.alerts import AlertReport, AlertRule, FinishedTrace, evaluate_alerts
from instrumentation.alerts.trace_window import TraceCounts, TraceWindow
from instrumentation.diagnosis import diagnose
from instrumentation.export.trace_metrics import TraceMetrics
from scenarios.expectations import Expectation
from scenarios.expectations.assessments import log_failed_expectations
from scenarios.monitoring.alert_gate import SCENARIO_TAG, GateResult
from scenarios.reports.wording import count_of
from scenarios.traces.diagnoses.assessments import log_findings, log_health
from scenarios.traces.store.time_window import epoch_ms


@dataclass(frozen=True)
class MonitorPass:
    """What one pass has seen.

    Attributes:
        gate: The alert rules, evaluated on all traces of the time window.
        new_traces: Traces that no earlier pass of this monitor has seen.
        scored: How many of them were in the sample.
        findings: The failure modes that were found in the sample, one entry per finding.
        failed_expectations: Descriptions of expectations that failed, one entry per trace.
    """

    gate: GateResult
    new_traces: int
    scored: int
    findings: tuple[str, ...]
    failed_expectations: tuple[str, ...]

    @property
    def firing(self) -> frozenset[str]:
        """The names of the alert rules that are violated."""
        results = self.gate.report.results
        return frozenset(result.alert.name for result in results if result.findings)

    def to_json(self) -> dict[str, Any]:
        """The pass as `monitor --json` prints it, one line per pass."""
        return {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "new_traces": self.new_traces,
            "scored": self.scored,
            "findings": list(self.findings),
            "failed_expectations": list(self.failed_expectations),
            "firing": sorted(self.firing),
        }

    def summary(self) -> str:
        """The pass in one line for a terminal."""
        parts = [f"{count_of(self.new_traces, 'new trace')}, {self.scored} scored"]
        for name, found in (
            ("finding", self.findings),
            ("failed expectation", self.failed_expectations),
        ):
            if found:
                parts.append(f"{count_of(len(found), name)}: {', '.join(sorted(set(found)))}")
        firing = ", ".join(sorted(self.firing))
        parts.append(f"ALERT FIRING: {firing}" if firing else "no alerts")
        return "; ".join(parts)


@dataclass
class _NewTraces:
    """Counts what a pass finds in traces that no earlier pass has seen: fields of `MonitorPass`."""

    new_traces: int = 0
    scored: int = 0
    findings: tuple[str, ...] = ()
    failed_expectations: tuple[str, ...] = ()


class Monitor:
    """Watches one store. Keeps only the ids of the traces of its time window.

    Example:
        monitor = Monitor(uri, DEFAULT_ALERT_RULES, TraceMetrics(meter_provider), sample=0.1)
        monitor.run_pass()

    Args:
        rules: Alert rules, evaluated on all traces of the window.
        metrics: Where the metrics of each new trace go.
        window: How far back a pass looks.
        sample: Share of the new traces to score, from 0.0 to 1.0. A trace is in the sample of
            every monitor or of none: its id decides.
        expectations: Evaluated on the sample, beside the diagnosis.
        experiment: The name of the experiment; empty for all.
        with_scenarios: Also watch runs of scenarios, which fail on purpose.
    """

    def __init__(
        self,
        tracking_uri: str,
        rules: Sequence[AlertRule],
        metrics: TraceMetrics,
        *,
        window: timedelta = timedelta(hours=1),
        sample: float = 1.0,
        expectations: Sequence[Expectation] = (),
        experiment: str = "",
        with_scenarios: bool = False,
    ) -> None:
        self._uri = tracking_uri
        self._rules = rules
        self._metrics = metrics
        self._window = window
        self._sample = sample
        self._expectations = expectations
        self._experiment = experiment
        self._ignored_tag = "" if with_scenarios else SCENARIO_TAG
        self._seen: frozenset[str] = frozenset()

    def run_pass(self) -> MonitorPass:
        """Read the traces of the window; record, score and evaluate them."""
        since, counts, new = datetime.now(UTC) - self._window, TraceCounts(), _NewTraces()
        window = TraceWindow(self._uri, epoch_ms(since), self._experiment, self._ignored_tag)
        finished = window.read_finished(counts, lambda _: None)
        ids: set[str] = set()
        report: AlertReport = evaluate_alerts(self._rules, self._observe(finished, ids, new))
        self._seen = frozenset(ids)
        self._metrics.record_alerts(report)
        return MonitorPass(GateResult(since, report, counts), **vars(new))

    def _observe(
        self, traces: Iterator[FinishedTrace], ids: set[str], new: _NewTraces
    ) -> Iterator[FinishedTrace]:
        """Pass the traces on, and handle those that are new."""
        for finished in traces:
            ids.add(finished.id)
            if finished.id not in self._seen:
                new.new_traces += 1
                self._metrics.record_trace(finished.trace)
                if is_sampled(finished.id, self._sample):
                    self._score(finished, new)
            yield finished

    def _score(self, finished: FinishedTrace, new: _NewTraces) -> None:
        """Diagnose a trace, evaluate the expectations on it, and log both in the store.

        A trace that an earlier monitor has scored is not scored again.
        """
        trace, diagnosis = finished.trace, diagnose(finished.trace)
        log_findings(trace, diagnosis, self._uri)
        if not log_health(trace, diagnosis, self._uri):
            return
        for finding in diagnosis.findings:
            self._metrics.record_finding(finding.mode, finding.agent)
            new.findings += (finding.mode,)
        new.failed_expectations += (*log_failed_expectations(trace, self._expectations, self._uri),)
        new.scored += 1


def is_sampled(trace_id: str, ratio: float) -> bool:
    """Whether a trace is in the sample of this share of all traces; the same id always is."""
    digest = sha256(trace_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < ratio
