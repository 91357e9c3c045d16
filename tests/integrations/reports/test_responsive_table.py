"""A roomy table is a table where there is room for it, and says the same in words where not."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from integrations.fidelity import table_file
from integrations.reports.fidelity_terminal import render_fidelity_table
from integrations.reports.responsive_table import EMPTY_CELL, ResponsiveTable


def printed(told: object, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(told)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def table() -> ResponsiveTable:
    rows = Table("cell", "cases", "disk", "gaps", box=None, padding=(0, 2, 0, 0))
    rows.add_row("mlflow 3.1.4", "plain 1/1,\nours 1/1", "1,761 MB", EMPTY_CELL)
    return ResponsiveTable(rows)


def test_where_there_is_room_it_is_a_table() -> None:
    assert printed(table(), 80).splitlines() == [
        "cell          cases       disk      gaps",
        "mlflow 3.1.4  plain 1/1,  1,761 MB  –",
        "              ours 1/1",
    ]


def test_where_there_is_none_each_row_is_said_in_words() -> None:
    assert printed(table(), 36).splitlines() == [
        "mlflow 3.1.4",
        "  cases: plain 1/1, ours 1/1; disk:",
        "  1,761 MB",
    ]


@pytest.mark.parametrize("width", [80, 120, 170])
def test_no_word_of_the_fidelity_table_is_cut(width: int) -> None:
    text = printed(render_fidelity_table(table_file.load_table()), width)
    assert "…" not in text
    assert {"OpenTelemetry", "completions", "crewai"} <= set(text.replace(":", " ").split())
