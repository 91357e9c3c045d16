"""A gate: the traces of a window held against a table of alerts, told to people and programs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from instrumentation.alerts.alert_report import Alert, Finding, Outcome, Report, judged
from instrumentation.alerts.trace_window import Tally, Window
from instrumentation.trace.outline import CONTROL
from scenarios.expectations.wording import counted
from scenarios.trace_store.time_window import in_ms

QUIET, ALARM, BLIND = 0, 1, 2
SHOWN_IDS = 3
TEXT_LINES = 20
"""As many findings as a chat shows without folding them away."""


@dataclass(frozen=True)
class Gate:
    """What was asked of which window, and what it came to."""

    since: datetime
    report: Report
    tally: Tally

    @property
    def code(self) -> int:
        """0 where all is quiet; 1 on an alarm; 2 where something could not be judged, for no trace
        is no pass."""
        if self.report.alarmed:
            return ALARM
        return BLIND if self.report.blind or self.tally.torn else QUIET

    def to_json(self) -> dict[str, Any]:
        """The gate for a program, as `alerts --json` prints it; nothing of a trace's contents but
        names and the first line of an error."""
        return {
            "since": self.since.isoformat(timespec="seconds"),
            "verdict": ("quiet", "alarm", "blind")[self.code],
            "under_way": self.tally.under_way,
            "torn": list(self.tally.torn),
            **self.report.to_json(),
        }


def held(
    table: Sequence[Alert],
    tracking_uri: str,
    since: datetime,
    experiment: str,
    progress: Callable[[Tally], None],
) -> Gate:
    """Read the window that begins at `since` and ends now, and judge it."""
    tally = Tally()
    window = Window(tracking_uri, in_ms(since), experiment)
    return Gate(since, judged(table, window.read(tally, progress)), tally)


def shown(gate: Gate) -> RenderableType:
    """Each alert with its findings, what could not be judged, and how much was read."""
    outcomes = gate.report.outcomes if gate.report.traces else ()
    lines = [line for outcome in outcomes for line in _outcome(outcome)]
    word, style = (("quiet", "green"), ("ALARM", "bold red"), ("CANNOT BE JUDGED", "bold yellow"))[
        gate.code
    ]
    return Group(*lines, Text.assemble("\n", (word, style), f": {read(gate)}"))


def read(gate: Gate) -> str:
    """How much was read, in a sentence."""
    tally, since = gate.tally, gate.since.isoformat(timespec="seconds")
    told = f"{counted(tally.finished, 'finished trace')} since {since}"
    if not tally.finished:
        told = f"no finished trace since {since}: for want of one, nothing is judged to be well"
    if tally.under_way:
        told += f"; {tally.under_way} still under way"
    if tally.torn:
        ids = ", ".join(tally.torn[:SHOWN_IDS])
        told += f"; of {len(tally.torn)} the spans are not all in the store: {ids}"
        told += " …" if len(tally.torn) > SHOWN_IDS else ""
    return told


def payload(gate: Gate) -> dict[str, Any]:
    """What a webhook is told: `text`, as Slack and its like show it, and all of it as data."""
    said = [f"• *{_escaped(name)}*: {_escaped(why)}" for name, why in _sentences(gate)]
    more = [f"… and {len(said) - TEXT_LINES} more"] if len(said) > TEXT_LINES else []
    head = f"Flight recorder: {('quiet', 'alarm', 'cannot be judged')[gate.code]}, {read(gate)}"
    return {"text": "\n".join([_escaped(head), *said[:TEXT_LINES], *more]), **gate.to_json()}


def _sentences(gate: Gate) -> Iterator[tuple[str, str]]:
    for outcome in gate.report.outcomes:
        if outcome.blind and gate.report.traces:
            yield outcome.alert.name, str(outcome.why_not)
        yield from ((outcome.alert.name, _told(finding)) for finding in outcome.findings)


def _outcome(outcome: Outcome) -> Iterator[Text]:
    name = outcome.alert.name
    if outcome.why_not:
        mark = ("? ", "bold yellow") if outcome.blind else ("- ", "dim")
        yield Text.assemble(mark, (name, "bold"), f": {outcome.why_not}")
    elif not outcome.findings:
        read = counted(outcome.readings, "reading")
        yield Text.assemble(("✓ ", "green"), (name, "bold"), f": {read}; {outcome.alert.limit}")
    for finding in outcome.findings:
        yield Text.assemble(("✗ ", "red"), (name, "bold"), f": {_told(finding)}")
    if (more := outcome.alarms - len(outcome.findings)) > 0:
        yield Text(f"  … and {more:,} more like it", style="red")


def _told(finding: Finding) -> str:
    """The sentence, with where to look; without what a terminal would obey."""
    where = f"trace {finding.trace_id or 'without an id'}, span {finding.span}"
    where += f", agent {finding.agent}" if finding.agent else ""
    return CONTROL.sub("�", f"{finding.says} [{where}]")


def _escaped(text: str) -> str:
    """Without what Slack takes for a link, a mention or a call to the whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
