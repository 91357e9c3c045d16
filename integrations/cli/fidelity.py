"""The command that makes the fidelity table, and checks the one that is kept."""

from typing import Annotated

import typer

from integrations.cases.all_cases import cases
from integrations.cli.matrix import STOPPED, progress
from integrations.cli.selection import NoChoice, chosen_cases
from integrations.fidelity import table_file
from integrations.fidelity.fidelity_table import Table, measured
from integrations.fidelity.gap_reasons import unexplained
from integrations.fidelity.table_changes import changes, unlike
from integrations.gaps.known_gaps import KNOWN
from integrations.instrumentors.registry import COLUMNS, Column
from integrations.reports import fidelity_page as pages
from integrations.reports.fidelity_terminal import shown
from scenarios.atomic_write import write
from scenarios.cli.interrupts import stoppable
from scenarios.reports.terminal_report import show

TO_DO = "if that is right: make fidelity, and read the diff"


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
    columns, played = _columns(column or ()), chosen_cases(case or ())
    with stoppable(STOPPED):
        table = measured(columns, played, progress)
    amiss = list(unexplained(table, KNOWN))
    if check:
        was = table_file.read()
        amiss += [*changes(was, table, every_case=not case), *unlike(was, KNOWN, pages.FILE)]
    typer.echo(table_file.text(table), nl=False) if as_json else show(shown(table))
    for sentence in amiss:
        typer.echo(sentence, err=True)
    if amiss:
        typer.echo(TO_DO, err=True)
    elif not check and not case and not column:
        _written(table)
    lacking = len(table.versions) < len(columns) and (column or not check)
    raise typer.Exit(1 if amiss else 2 if lacking else 0)


def _columns(names: "list[str] | tuple[str, ...]") -> list[Column]:
    by_name = {each.name: each for each in COLUMNS}
    for name in names:
        if name not in by_name:
            raise NoChoice(f"there is no instrumentor {name!r}: there are {', '.join(by_name)}")
    return [by_name[name] for name in names] or list(COLUMNS)


def _written(table: Table) -> None:
    """Both files, whole or not at all: a table that lacks a column would hide what it told."""
    if len(table.versions) < len(COLUMNS) or len(table.entries) < len(COLUMNS) * len(cases()):
        progress("the table is not written: it lacks what was left out")
        return
    write(table_file.FILE, table_file.text(table))
    write(pages.FILE, pages.page(table, KNOWN))
