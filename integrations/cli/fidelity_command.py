"""The command `fidelity`: measure what each instrumentor records; write or check the result."""

from collections.abc import Sequence
from typing import Annotated

import typer

from integrations.cases.all_cases import all_cases
from integrations.cli.environment_selection import SelectionError, select_cases
from integrations.cli.matrix_command import STOPPED_MESSAGE, print_progress
from integrations.fidelity.fidelity_table import FidelityTable, measure_table
from integrations.fidelity.table_file import TABLE_FILE, dump_table, load_table
from integrations.fidelity.table_problems import table_changes, unexplained_misses
from integrations.gaps.known_gaps import load_known_gaps
from integrations.instrumentors.registry import (
    INSTRUMENTORS,
    INSTRUMENTORS_BY_NAME,
    Instrumentor,
)
from integrations.reports.fidelity_page import FIDELITY_PAGE, fidelity_page, page_problems
from integrations.reports.fidelity_terminal import render_fidelity_table
from scenarios.atomic_write import write_atomically
from scenarios.cli.exits import exit_on_interrupt
from scenarios.reports.terminal_report import print_report

REMEASURE_HINT = "if this is intended, run make fidelity and review the diff"


def fidelity(
    case: Annotated[
        list[str] | None,
        typer.Option(help="A case, e.g. crewai/memory, or a framework.", metavar="CASE"),
    ] = None,
    instrumentor: Annotated[
        list[str] | None,
        typer.Option(help="An instrumentor, e.g. OpenLIT.", metavar="NAME"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare with the stored table; write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure what each instrumentor records, and write FIDELITY.md.

    Runs every case under every instrumentor, each in its environment, and writes the table to
    integrations/FIDELITY.md and fidelity.json. With --case or --instrumentor, prints that part of
    the table and writes nothing. Instrumentors whose
    environment has not been built are left out, and then the table is not written: `make fidelity`
    builds all environments. Our own instrumentation must be complete, or its gaps declared in
    integrations/gaps. Exit codes: 0 everything is as declared; 1 something is not; 2 cannot run, or
    an instrumentor was left out.
    """
    instrumentors, cases = _select_instrumentors(instrumentor or ()), select_cases(case or ())
    with exit_on_interrupt(STOPPED_MESSAGE):
        table = measure_table(instrumentors, cases, print_progress)
    problems = list(unexplained_misses(table, load_known_gaps()))
    if check:
        stored = load_table()
        problems += table_changes(stored, table, every_case=not case)
        problems += page_problems(stored, load_known_gaps())
    if as_json:
        typer.echo(dump_table(table), nl=False)
    else:
        print_report(render_fidelity_table(table))
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        typer.echo(REMEASURE_HINT, err=True)
    elif not check and not case and not instrumentor:
        _write_table(table)
    is_partial = len(table.versions) < len(instrumentors)
    cannot_run = is_partial and (instrumentor or not check)
    raise typer.Exit(1 if problems else 2 if cannot_run else 0)


def _select_instrumentors(names: Sequence[str]) -> list[Instrumentor]:
    for name in names:
        if name not in INSTRUMENTORS_BY_NAME:
            raise SelectionError(
                f"there is no instrumentor {name!r}; there are: {', '.join(INSTRUMENTORS_BY_NAME)}"
            )
    return [INSTRUMENTORS_BY_NAME[name] for name in names] or list(INSTRUMENTORS)


def _write_table(table: FidelityTable) -> None:
    """Write the JSON file and the page, if the table is complete."""
    has_all_versions = len(table.versions) == len(INSTRUMENTORS)
    if not has_all_versions or len(table.entries) < len(INSTRUMENTORS) * len(all_cases()):
        print_progress("the table is not written, because instrumentors were left out")
        return
    write_atomically(TABLE_FILE, dump_table(table))
    write_atomically(FIDELITY_PAGE, fidelity_page(table, load_known_gaps()))
