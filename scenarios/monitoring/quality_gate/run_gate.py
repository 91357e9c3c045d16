"""Run a quality gate: check the traces of its time window against the limits of each section."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from instrumentation.alerts import AlertResult, FinishedTrace, evaluate_alerts
from instrumentation.alerts.trace_window import TraceCounts, TraceWindow
from instrumentation.diagnosis import Finding, diagnose
from scenarios.monitoring.alert_gate import SCENARIO_TAG
from scenarios.monitoring.quality_gate.evaluation import evaluate_traces
from scenarios.monitoring.quality_gate.gate_file import QualityGate
from scenarios.monitoring.quality_gate.gate_report import (
    FAILED,
    NOT_EVALUATED,
    PASSED,
    SKIPPED,
    GateCheck,
    GateReport,
)
from scenarios.reports.wording import count_of
from scenarios.traces.store.time_window import epoch_ms


@dataclass
class _KeptTraces:
    """What is kept of the traces: their ids, and the first finding of each."""

    ids: list[str] = field(default_factory=list)
    findings: list[tuple[str, Finding]] = field(default_factory=list)


def run_gate(
    gate: QualityGate, store: str, on_progress: Callable[[TraceCounts], None]
) -> GateReport:
    """Check all finished traces of the gate's time window.

    Raises:
        GateFileError: A threshold names no scorer.
        TraceNotFoundError: The experiment does not exist.
    """
    counts, kept = TraceCounts(), _KeptTraces()
    ignored = "" if gate.with_scenarios else SCENARIO_TAG
    window = TraceWindow(store, epoch_ms(gate.start), gate.experiment, ignored)
    traces = _observe(gate, window.read_finished(counts, on_progress), kept)
    results = evaluate_alerts((*gate.alerts, *gate.cost), traces).results
    checks = [_check_traces(gate, counts)]
    if kept.ids:
        if gate.evaluation:
            checks += evaluate_traces(gate, gate.evaluation, kept.ids, store)
        if gate.max_findings is not None:
            checks.append(_check_findings(gate.max_findings, kept.findings))
        sections = ["alerts"] * len(gate.alerts) + ["cost"] * len(gate.cost)
        checks += map(_check_rule, sections, results)
    return GateReport(gate, counts.finished, tuple(checks))


def _observe(
    gate: QualityGate, traces: Iterator[FinishedTrace], kept: _KeptTraces
) -> Iterator[FinishedTrace]:
    """Pass the traces on, and diagnose them if the gate asks for it."""
    for finished in traces:
        kept.ids.append(finished.id)
        if gate.max_findings is not None:
            found = diagnose(finished.trace).findings
            counted = (one for one in found if one.mode not in gate.allowed)
            if (first := next(counted, None)) is not None:
                kept.findings.append((finished.id, first))
        yield finished


def _check_traces(gate: QualityGate, counts: TraceCounts) -> GateCheck:
    """A gate that saw too little must not look passed."""
    reasons = []
    if counts.finished < gate.min_traces:
        left_out = f"; {counts.ignored} of scenarios left out" if counts.ignored else ""
        reasons.append(
            f"{count_of(counts.finished, 'finished trace')} since {gate.since}, expected"
            f" {gate.min_traces}{left_out}; run the program first, or change [traces]"
        )
    if counts.in_progress:
        reasons.append(f"{count_of(counts.in_progress, 'run')} not finished; wait for the end")
    if counts.incomplete:
        ids = ", ".join(counts.incomplete[:3])
        reasons.append(f"{count_of(len(counts.incomplete), 'trace')} with missing spans: {ids}")
    verdict = NOT_EVALUATED if reasons else PASSED
    limit = f"at least {gate.min_traces}"
    return GateCheck("traces", "finished", verdict, str(counts.finished), limit, "; ".join(reasons))


def _check_findings(max_findings: int, findings: list[tuple[str, Finding]]) -> GateCheck:
    """Count runs with findings: further ones of a run are mostly consequences of the first."""
    limit, count = f"at most {max_findings}", len(findings)
    name = "runs with findings"
    if count <= max_findings:
        return GateCheck("diagnosis", name, PASSED, str(count), limit)
    modes = Counter(finding.mode for _, finding in findings)
    trace_id, first = findings[0]
    counted = ", ".join(f"{mode} ({times})" for mode, times in modes.most_common())
    agent = f" begun by {first.agent}" if first.agent else ""
    reason = f"{counted}; the first{agent} in {first.span}. {first.fix}"
    return GateCheck("diagnosis", name, FAILED, str(count), limit, reason, trace_id)


def _check_rule(section: str, result: AlertResult) -> GateCheck:
    rule = result.alert
    if result.findings:
        worst = result.findings[0]
        more = f" (and {result.alarms - 1} more)" if result.alarms > 1 else ""
        measured = f"{result.alarms} of {result.readings}" if rule.aggregate == "each" else ""
        return GateCheck(
            section, rule.name, FAILED, measured, rule.limit, worst.message + more, worst.trace_id
        )
    if result.not_evaluated_reason:
        verdict = NOT_EVALUATED if result.is_inconclusive else SKIPPED
        return GateCheck(section, rule.name, verdict, "", rule.limit, result.not_evaluated_reason)
    readings = count_of(result.readings, "reading")
    return GateCheck(section, rule.name, PASSED, readings, rule.limit)
