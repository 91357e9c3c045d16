"""The checks of a quality gate and their report, as JSON, for a terminal, and as Markdown."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from instrumentation.trace.outline import CONTROL_CHARACTERS
from scenarios.monitoring.quality_gate.gate_file import QualityGate
from scenarios.reports.document_parts import escape_cell, markdown_table
from scenarios.reports.wording import count_of

PASSED, FAILED, NOT_EVALUATED, SKIPPED = "passed", "failed", "not evaluated", "skipped"
EXIT_CODES = {PASSED: 0, FAILED: 1, NOT_EVALUATED: 2}
MARKS = {PASSED: "✓", FAILED: "✗", NOT_EVALUATED: "?", SKIPPED: "-"}
STYLES = {PASSED: "green", FAILED: "red", NOT_EVALUATED: "yellow", SKIPPED: "dim"}
EMOJI = {PASSED: "✅", FAILED: "❌", NOT_EVALUATED: "❔", SKIPPED: "➖"}
COLUMNS = ("check", "measured", "limit")


@dataclass(frozen=True)
class GateCheck:
    """One check.

    Attributes:
        section: The section of the file that asks for it.
        verdict: "passed", "failed", "not evaluated", or "skipped" if it does not apply.
        measured: The measured value as text; empty if there is none.
        reason: Why it did not pass.
        trace_id: The trace to look at.
    """

    section: str
    name: str
    verdict: str
    measured: str
    limit: str
    reason: str = ""
    trace_id: str = ""


@dataclass(frozen=True)
class GateReport:
    """All checks of a gate, and how many finished traces it read."""

    gate: QualityGate
    traces: int
    checks: tuple[GateCheck, ...]

    @property
    def verdict(self) -> str:
        """ "failed" if a check failed; else "not evaluated" if one could not be made: no pass."""
        verdicts = {check.verdict for check in self.checks}
        return next((one for one in (FAILED, NOT_EVALUATED) if one in verdicts), PASSED)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """The report as `quality-gate --json` prints it."""
        return {
            "verdict": self.verdict,
            "gate": str(self.gate.source.path),
            "since": self.gate.start.isoformat(timespec="seconds"),
            "traces": self.traces,
            "checks": [asdict(check) for check in self.checks],
        }


def render_gate(report: GateReport) -> RenderableType:
    """The verdict, each check, and the reason of each that did not pass."""
    table = Table("", *COLUMNS, box=None, pad_edge=False)
    for check in report.checks:
        mark = Text(MARKS[check.verdict], style=STYLES[check.verdict])
        table.add_row(mark, *map(Text, _cells(check)))
    return Group(
        Text(_title(report), style=f"bold {STYLES[report.verdict]}"),
        table,
        *(Text(f"{MARKS[one.verdict]} {line}") for one, line in _reasons(report)),
    )


def render_gate_markdown(report: GateReport) -> str:
    """The same as Markdown, which ends with a line break."""
    rows = ([EMOJI[one.verdict], *map(escape_cell, _cells(one))] for one in report.checks)
    table = markdown_table(("", *COLUMNS), rows)
    reasons = [f"- {EMOJI[one.verdict]} {escape_cell(line)}" for one, line in _reasons(report)]
    return "\n".join([f"## {_title(report)}", "", *table, "", *reasons]).rstrip() + "\n"


def _title(report: GateReport) -> str:
    traces = count_of(report.traces, "finished trace")
    return f"Quality gate {report.verdict}: {traces} since {report.gate.since}"


def _cells(check: GateCheck) -> tuple[str, str, str]:
    return f"{check.section}: {check.name}", check.measured, check.limit


def _reasons(report: GateReport) -> Iterator[tuple[GateCheck, str]]:
    """The checks that did not pass, each with a line; those that do not apply have none."""
    for check in report.checks:
        if check.verdict in (FAILED, NOT_EVALUATED):
            trace = f" [trace {check.trace_id}]" if check.trace_id else ""
            line = f"{check.section}: {check.name}: {check.reason}{trace}"
            yield check, CONTROL_CHARACTERS.sub("�", line)
