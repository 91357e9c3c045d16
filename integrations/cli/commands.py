"""The commands `fidelity`, `accept` and `caught`: measure, write goldens, prove regressions."""

import os
from contextlib import closing
from typing import Annotated

import typer

from integrations.cases.all_cases import all_cases
from integrations.cli.environment_selection import select_cases, select_named
from integrations.cli.options import (
    STOPPED_MESSAGE,
    CaseOption,
    InstrumentorOption,
    JsonOption,
    print_progress,
)
from integrations.environments.declared_environments import INSTRUMENTOR_ENVIRONMENTS, LOCKED
from integrations.fidelity.fidelity_table import FidelityTable
from integrations.fidelity.table_file import TABLE_FILE, dump_table, load_table
from integrations.fidelity.table_measurement import measure_table
from integrations.fidelity.table_problems import table_changes, unexplained_misses
from integrations.gaps.gap import load_known_gaps
from integrations.goldens.accept import accept_goldens
from integrations.instrumentors.registry import INSTRUMENTORS, INSTRUMENTORS_BY_NAME
from integrations.regressions.regression import load_known_regressions
from integrations.regressions.run_regressions import run_both_sides
from integrations.reports.fidelity_page import FIDELITY_PAGE, fidelity_page, page_problems
from integrations.reports.fidelity_terminal import render_fidelity_table
from integrations.reports.regressions_page import REGRESSIONS_PAGE, render_regressions_page
from integrations.runner.matrix import run_matrix
from scenarios.cli.exits import exit_on_interrupt
from scenarios.reports.atomic_write import write_atomically
from scenarios.reports.terminal_report import print_report

REMEASURE_HINT = "if this is intended, run make fidelity and review the diff"


def fidelity(
    case: CaseOption = None,
    instrumentor: InstrumentorOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare with the stored table; write nothing.")
    ] = False,
    as_json: JsonOption = False,
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
    instrumentors = select_named("instrumentor", instrumentor or (), INSTRUMENTORS_BY_NAME)
    cases = select_cases(case or ())
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


def _write_table(table: FidelityTable) -> None:
    """Write the JSON file and the page, if the table is complete."""
    has_all_versions = len(table.versions) == len(INSTRUMENTORS)
    if not has_all_versions or len(table.entries) < len(INSTRUMENTORS) * len(all_cases()):
        print_progress("the table is not written, because instrumentors were left out")
        return
    write_atomically(TABLE_FILE, dump_table(table))
    write_atomically(FIDELITY_PAGE, fidelity_page(table, load_known_gaps()))


def accept(
    case: Annotated[
        list[str] | None,
        typer.Argument(help="Cases, e.g. crewai/memory (default: all).", metavar="CASE"),
    ] = None,
) -> None:
    """Update the goldens. Review the diff before you commit.

    Runs the cases in the locked environments, as `matrix --only locked` does, and under the
    instrumentors of other people whose environments have been built. Nothing is accepted if a run
    differs from the ground truth of its case, a gap from its declaration, or a result from the
    fidelity table.
    """
    specs, cases = (LOCKED, *INSTRUMENTOR_ENVIRONMENTS), select_cases(case or ())
    running = run_matrix(specs, cases, load_known_gaps(), print_progress, load_table())
    with exit_on_interrupt(STOPPED_MESSAGE), closing(running):
        results = [each for each in running if each.environment]
    changed = dict.fromkeys(path for each in results for path in accept_goldens(each))
    typer.echo("\n".join(map(os.path.relpath, changed)) or "all goldens are current")


def prove_regressions(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; check whether the page is current.")
    ] = False,
) -> None:
    """Run known regressions on bad and good versions.

    Writes the result to integrations/CAUGHT.md. Exit codes: 0 each is red on the bad versions and
    green on the good ones; 1 one is not, or, with --check, the page is not current.
    """
    with exit_on_interrupt(STOPPED_MESSAGE):
        results = run_both_sides(load_known_regressions(), print_progress)
    page = render_regressions_page(results)
    is_current = REGRESSIONS_PAGE.is_file() and REGRESSIONS_PAGE.read_text("utf-8") == page
    if not check:
        write_atomically(REGRESSIONS_PAGE, page)
    for each in results:
        typer.echo(f"{'✓' if each.is_proven else '✗'} {each.regression.title}")
        if not each.is_proven:
            typer.echo(f"  {each.failure}")
    if check and not is_current:
        typer.echo(f"{REGRESSIONS_PAGE.name} is not current: python -m integrations caught")
    passed = all(each.is_proven for each in results) and (is_current or not check)
    raise typer.Exit(0 if passed else 1)
