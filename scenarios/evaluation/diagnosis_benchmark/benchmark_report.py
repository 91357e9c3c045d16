"""Render the result of the benchmark of the diagnosis for a terminal or a log."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scenarios.evaluation.diagnosis_benchmark.benchmark import BenchmarkResult, DataSetScore
from scenarios.reports.wording import count_of, list_entries

MAX_LISTED_UNREAD_LOGS = 20
"""More logs that could not be read are only counted."""


def render_benchmark(result: BenchmarkResult) -> RenderableType:
    """A table per data set, then the false alarms, and what could not be used."""
    lines: list[RenderableType] = []
    for data_set in result.data_sets:
        lines += [*_render_data_set(data_set), Text("")]
    return Group(*lines, *map(Text, _iter_notes(result)))


def _render_data_set(data_set: DataSetScore) -> Iterator[RenderableType]:
    yield Text(f"{data_set.name}: {count_of(data_set.log_count, 'log')}", style="bold")
    table = Table("method", "agent (95%)", "step (95%)", "no answer", box=None, pad_edge=False)
    for one in data_set.methods:
        step = str(one.step) if one.step else "–"
        table.add_row(one.method, str(one.agent), step, str(one.unanswered_count or ""))
    yield table


def _iter_notes(result: BenchmarkResult) -> Iterator[str]:
    if result.alarms.count:
        runs = count_of(result.alarms.count, "run")
        yield f"of {runs} that succeeded, {result.alarms} have findings: false alarms"
    logs = result.logs
    if logs.unlabelled_count:
        yield f"{count_of(logs.unlabelled_count, 'log')} without a label: not used"
    if logs.duplicate_count:
        yield f"{count_of(logs.duplicate_count, 'log')} that the folder has twice: used once"
    if logs.unread:
        yield f"{count_of(len(logs.unread), 'log')} not read:"
        unread = [f"{name}: {reason}" for name, reason in logs.unread]
        yield from list_entries(unread, MAX_LISTED_UNREAD_LOGS)
