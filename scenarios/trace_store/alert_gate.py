"""A gate: the traces of a window held against a table of alerts, told to people and programs."""

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
from scenarios.expectations.wording import pluralize
from scenarios.trace_store.time_window import epoch_ms

NO_ALERTS, ALERT_FIRING, NOT_EVALUATED = 0, 1, 2
MAX_LISTED_IDS = 3
MAX_TEXT_LINES = 20
"""As many findings as a chat shows without folding them away."""


@dataclass(frozen=True)
class GateResult:
    """What was asked of which window, and what it came to."""

    since: datetime
    report: AlertReport
    tally: TraceCounts

    @property
    def exit_code(self) -> int:
        """0 where all is quiet; 1 on an alarm; 2 where something could not be judged, for no trace
        is no pass."""
        if self.report.is_firing:
            return ALERT_FIRING
        return NOT_EVALUATED if self.report.is_inconclusive or self.tally.incomplete else NO_ALERTS

    def to_json(self) -> dict[str, Any]:
        """The gate for a program, as `alerts --json` prints it; nothing of a trace's contents but
        names and the first line of an error."""
        return {
            "since": self.since.isoformat(timespec="seconds"),
            "verdict": ("quiet", "alarm", "blind")[self.exit_code],
            "under_way": self.tally.in_progress,
            "torn": list(self.tally.incomplete),
            **self.report.to_json(),
        }


def run_alert_gate(
    table: Sequence[AlertRule],
    tracking_uri: str,
    since: datetime,
    experiment: str,
    on_progress: Callable[[TraceCounts], None],
) -> GateResult:
    """Read the window that begins at `since` and ends now, and judge it."""
    tally = TraceCounts()
    window = TraceWindow(tracking_uri, epoch_ms(since), experiment)
    return GateResult(
        since, evaluate_alerts(table, window.read_finished(tally, on_progress)), tally
    )


def render_gate(gate: GateResult) -> RenderableType:
    """Each alert with its findings, what could not be judged, and how much was read."""
    outcomes = gate.report.results if gate.report.traces else ()
    lines = [line for outcome in outcomes for line in _render_outcome(outcome)]
    word, style = (("quiet", "green"), ("ALARM", "bold red"), ("CANNOT BE JUDGED", "bold yellow"))[
        gate.exit_code
    ]
    return Group(*lines, Text.assemble("\n", (word, style), f": {describe_window(gate)}"))


def describe_window(gate: GateResult) -> str:
    """How much was read, in a sentence."""
    tally, since = gate.tally, gate.since.isoformat(timespec="seconds")
    sentence = f"{pluralize(tally.finished, 'finished trace')} since {since}"
    if not tally.finished:
        sentence = f"no finished trace since {since}: for want of one, nothing is judged to be well"
    if tally.in_progress:
        sentence += f"; {tally.in_progress} still under way"
    if tally.incomplete:
        ids = ", ".join(tally.incomplete[:MAX_LISTED_IDS])
        sentence += f"; of {len(tally.incomplete)} the spans are not all in the store: {ids}"
        sentence += " …" if len(tally.incomplete) > MAX_LISTED_IDS else ""
    return sentence


def webhook_payload(gate: GateResult) -> dict[str, Any]:
    """What a webhook is told: `text`, as Slack and its like show it, and all of it as data."""
    lines = [
        f"• *{_escape_for_slack(name)}*: {_escape_for_slack(why)}"
        for name, why in _iter_findings(gate)
    ]
    more = [f"… and {len(lines) - MAX_TEXT_LINES} more"] if len(lines) > MAX_TEXT_LINES else []
    head = f"Flight recorder: {('quiet', 'alarm', 'cannot be judged')[gate.exit_code]}, {describe_window(gate)}"
    return {
        "text": "\n".join([_escape_for_slack(head), *lines[:MAX_TEXT_LINES], *more]),
        **gate.to_json(),
    }


def _iter_findings(gate: GateResult) -> Iterator[tuple[str, str]]:
    for outcome in gate.report.results:
        if outcome.is_inconclusive and gate.report.traces:
            yield outcome.alert.name, str(outcome.not_evaluated_reason)
        yield from (
            (outcome.alert.name, _describe_finding(finding)) for finding in outcome.findings
        )


def _render_outcome(outcome: AlertResult) -> Iterator[Text]:
    name = outcome.alert.name
    if outcome.not_evaluated_reason:
        mark = ("? ", "bold yellow") if outcome.is_inconclusive else ("- ", "dim")
        yield Text.assemble(mark, (name, "bold"), f": {outcome.not_evaluated_reason}")
    elif not outcome.findings:
        read = pluralize(outcome.readings, "reading")
        yield Text.assemble(("✓ ", "green"), (name, "bold"), f": {read}; {outcome.alert.limit}")
    for finding in outcome.findings:
        yield Text.assemble(("✗ ", "red"), (name, "bold"), f": {_describe_finding(finding)}")
    if (more := outcome.alarms - len(outcome.findings)) > 0:
        yield Text(f"  … and {more:,} more like it", style="red")


def _describe_finding(finding: AlertFinding) -> str:
    """The sentence, with where to look; without what a terminal would obey."""
    where = f"trace {finding.trace_id or 'without an id'}, span {finding.span}"
    where += f", agent {finding.agent}" if finding.agent else ""
    return CONTROL_CHARACTERS.sub("�", f"{finding.message} [{where}]")


def _escape_for_slack(text: str) -> str:
    """Without what Slack takes for a link, a mention or a call to the whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
