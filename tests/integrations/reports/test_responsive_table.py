"""A responsive table is a table in a wide window, and text in a narrow one."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from integrations.fidelity.table_file import load_table
from integrations.reports.fidelity_terminal import render_fidelity_table
from integrations.reports.tables import EMPTY_CELL, ResponsiveTable


def printed(renderable: object, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(renderable)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def table() -> ResponsiveTable:
    rows = Table("name", "cases", "disk", "gaps", box=None, padding=(0, 2, 0, 0))
    rows.add_row("mlflow 3.1.4", "plain 1/1,\nours 1/1", "1,761 MB", EMPTY_CELL)
    return ResponsiveTable(rows)


def test_a_wide_window_shows_a_table() -> None:
    assert printed(table(), 80).splitlines() == [
        "name          cases       disk      gaps",
        "mlflow 3.1.4  plain 1/1,  1,761 MB  –",
        "              ours 1/1",
    ]


def test_a_narrow_window_shows_each_row_as_text() -> None:
    assert printed(table(), 36).splitlines() == [
        "mlflow 3.1.4",
        "  cases: plain 1/1, ours 1/1; disk:",
        "  1,761 MB",
    ]


@pytest.mark.parametrize("width", [80, 120, 170])
def test_no_word_of_the_fidelity_table_is_cut(width: int) -> None:
    text = printed(render_fidelity_table(load_table()), width)
    assert "…" not in text
    assert {"OpenTelemetry", "completions", "crewai"} <= set(text.replace(":", " ").split())
