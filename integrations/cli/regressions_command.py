"""The command `caught`: proves that the cases detect known regressions."""

from typing import Annotated

import typer

from integrations.cli.matrix_command import STOPPED_MESSAGE, print_progress
from integrations.regressions.known_regressions import load_known_regressions
from integrations.regressions.run_regressions import run_both_sides
from integrations.reports.regressions_page import REGRESSIONS_PAGE, regressions_page
from scenarios.atomic_write import write_atomically
from scenarios.cli.exits import exit_on_interrupt


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
    page = regressions_page(results)
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
