"""The alert gate: evaluate alert rules on the traces of a time window, for people and for CI."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from instrumentation.alerts import (
    AlertFinding,
    AlertReport,
    AlertResult,
    AlertRule,
    evaluate_alerts,
)
from instrumentation.alerts.trace_window import TraceCounts, TraceWindow
from instrumentation.trace.outline import CONTROL_CHARACTERS
from scenarios.reports.wording import count_of
from scenarios.traces.store.time_window import epoch_ms

NO_ALERTS, ALERT_FIRING, NOT_EVALUATED = 0, 1, 2
"""The exit codes of the gate."""
JSON_VERDICTS = ("ok", "alarm", "not_evaluated")
HEADINGS = ("no alerts", "ALERT FIRING", "NOT EVALUATED")
HEADING_STYLES = ("green", "bold red", "bold yellow")
SCENARIO_TAG = "flight_recorder.scenario"
"""The tag that the player writes."""
MAX_LISTED_IDS = 3


@dataclass(frozen=True)
class GateResult:
    """The report on the traces that started at `since` or later, and how many were read."""

    since: datetime
    report: AlertReport
    tally: TraceCounts

    @property
    def exit_code(self) -> int:
        """`ALERT_FIRING`, else `NOT_EVALUATED` if a rule or a trace could not be evaluated.

        A window without traces is not evaluated: it must not look healthy.
        """
        if self.report.is_firing:
            return ALERT_FIRING
        return NOT_EVALUATED if self.report.is_inconclusive or self.tally.incomplete else NO_ALERTS

    def to_json(self) -> dict[str, Any]:
        """The gate as `alerts --json` prints it.

        Of a trace's contents, it has only names and the first line of an error.
        """
        return {
            "since": self.since.isoformat(timespec="seconds"),
            "verdict": JSON_VERDICTS[self.exit_code],
            "in_progress": self.tally.in_progress,
            "incomplete": list(self.tally.incomplete),
            "scenario_runs_left_out": self.tally.ignored,
            **self.report.to_json(),
        }


def run_alert_gate(
    rules: Sequence[AlertRule],
    tracking_uri: str,
    since: datetime,
    experiment: str,
    on_progress: Callable[[TraceCounts], None],
    *,
    with_scenarios: bool = False,
) -> GateResult:
    """Evaluate the rules on all finished traces from `since` until now.

    Runs of scenarios fail on purpose, so they are left out, unless `with_scenarios` is true.
    """
    counts = TraceCounts()
    ignored_tag = "" if with_scenarios else SCENARIO_TAG
    window = TraceWindow(tracking_uri, epoch_ms(since), experiment, ignored_tag)
    report = evaluate_alerts(rules, window.read_finished(counts, on_progress))
    return GateResult(since, report, counts)


def render_gate(gate: GateResult) -> RenderableType:
    """Each rule with its findings, and how many traces were read, for a terminal."""
    results = gate.report.results if gate.report.traces else ()
    lines = [line for result in results for line in _render_result(result)]
    heading = (HEADINGS[gate.exit_code], HEADING_STYLES[gate.exit_code])
    return Group(*lines, Text.assemble("\n", heading, f": {describe_window(gate)}"))


def describe_window(gate: GateResult) -> str:
    """A sentence about the number of traces that were read."""
    counts, since = gate.tally, gate.since.isoformat(timespec="seconds")
    sentence = f"{count_of(counts.finished, 'finished trace')} since {since}"
    if not counts.finished:
        sentence = f"no finished trace since {since}, so nothing can be evaluated"
    if counts.in_progress:
        sentence += f"; {counts.in_progress} still running"
    if counts.ignored:
        runs = count_of(counts.ignored, "run")
        sentence += f"; {runs} of scenarios left out (--scenarios evaluates them, too)"
    if counts.incomplete:
        ids = ", ".join(counts.incomplete[:MAX_LISTED_IDS])
        sentence += f"; {count_of(len(counts.incomplete), 'trace')} with missing spans: {ids}"
        sentence += " …" if len(counts.incomplete) > MAX_LISTED_IDS else ""
    return sentence


def describe_finding(finding: AlertFinding) -> str:
    """Return the finding's message and its place, without control characters."""
    place = f"trace {finding.trace_id or 'without an ID'}, span {finding.span}"
    place += f", agent {finding.agent}" if finding.agent else ""
    return CONTROL_CHARACTERS.sub("�", f"{finding.message} [{place}]")


def _render_result(result: AlertResult) -> Iterator[Text]:
    name = result.alert.name
    if result.not_evaluated_reason:
        mark = ("? ", "bold yellow") if result.is_inconclusive else ("- ", "dim")
        yield Text.assemble(mark, (name, "bold"), f": {result.not_evaluated_reason}")
    elif not result.findings:
        readings = count_of(result.readings, "reading")
        yield Text.assemble(("✓ ", "green"), (name, "bold"), f": {readings}; {result.alert.limit}")
    for finding in result.findings:
        yield Text.assemble(("✗ ", "red"), (name, "bold"), f": {describe_finding(finding)}")
    if (more := result.alarms - len(result.findings)) > 0:
        yield Text(f"  … and {more:,} more like it", style="red")
