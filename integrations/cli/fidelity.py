"""The command that makes the fidelity table, and checks the one that is kept."""

from typing import Annotated

import typer

from integrations.cases.all_cases import all_cases
from integrations.cli.matrix import STOPPED_MESSAGE, print_progress
from integrations.cli.selection import SelectionError, select_cases
from integrations.fidelity import table_file
from integrations.fidelity.fidelity_table import FidelityTable, measure_table
from integrations.fidelity.gap_reasons import unexplained_misses
from integrations.fidelity.table_changes import page_problems, table_changes
from integrations.gaps.known_gaps import KNOWN_GAPS
from integrations.instrumentors.registry import INSTRUMENTORS, Instrumentor
from integrations.reports import fidelity_page as pages
from integrations.reports.fidelity_terminal import render_fidelity_table
from scenarios.atomic_write import write_atomically
from scenarios.cli.interrupts import exit_on_interrupt
from scenarios.reports.terminal_report import print_report

UPDATE_HINT = "if that is right: make fidelity, and read the diff"


def fidelity(
    case: Annotated[
        list[str] | None,
        typer.Option(help="A case, as crewai/memory, or all of a framework.", metavar="CASE"),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="An instrumentor, as OpenLIT.", metavar="NAME")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Hold it against the kept table; write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Count what each instrumentor tells of what really happened: integrations/FIDELITY.md.

    Plays every case under every instrumentor, each in the environment that has it, and writes the
    table; with --case or --column, shows that part of it. An instrumentor whose environment has not
    been built is left out, and the table is not written then: `make fidelity` builds them all.
    What is ours must be whole, or declared as a gap in integrations/gaps/known. Exit codes: 0 all
    is as it should be; 1 it is not; 2 it cannot be done, or not without what was left out.
    """
    columns, played = _select_instrumentors(column or ()), select_cases(case or ())
    with exit_on_interrupt(STOPPED_MESSAGE):
        table = measure_table(columns, played, print_progress)
    amiss = list(unexplained_misses(table, KNOWN_GAPS))
    if check:
        was = table_file.load_table()
        amiss += [
            *table_changes(was, table, every_case=not case),
            *page_problems(was, KNOWN_GAPS, pages.FIDELITY_PAGE),
        ]
    typer.echo(table_file.dump_table(table), nl=False) if as_json else print_report(
        render_fidelity_table(table)
    )
    for sentence in amiss:
        typer.echo(sentence, err=True)
    if amiss:
        typer.echo(UPDATE_HINT, err=True)
    elif not check and not case and not column:
        _write_table(table)
    lacking = len(table.versions) < len(columns) and (column or not check)
    raise typer.Exit(1 if amiss else 2 if lacking else 0)


def _select_instrumentors(names: "list[str] | tuple[str, ...]") -> list[Instrumentor]:
    by_name = {each.name: each for each in INSTRUMENTORS}
    for name in names:
        if name not in by_name:
            raise SelectionError(
                f"there is no instrumentor {name!r}: there are {', '.join(by_name)}"
            )
    return [by_name[name] for name in names] or list(INSTRUMENTORS)


def _write_table(table: FidelityTable) -> None:
    """Both files, whole or not at all: a table that lacks a column would hide what it told."""
    if len(table.versions) < len(INSTRUMENTORS) or len(table.entries) < len(INSTRUMENTORS) * len(
        all_cases()
    ):
        print_progress("the table is not written: it lacks what was left out")
        return
    write_atomically(table_file.FILE, table_file.dump_table(table))
    write_atomically(pages.FIDELITY_PAGE, pages.fidelity_page(table, KNOWN_GAPS))
