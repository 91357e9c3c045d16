"""The command that proves, regression by regression, that the suite tells it."""

from typing import Annotated

import typer

from integrations.cli.matrix import STOPPED_MESSAGE, print_progress
from integrations.regressions.known_regressions import REGRESSIONS
from integrations.regressions.run_regressions import run_regressions as flown
from integrations.reports.regressions_page import REGRESSIONS_PAGE, regressions_page
from scenarios.atomic_write import write_atomically
from scenarios.cli.interrupts import exit_on_interrupt


def prove_regressions(
    dry: Annotated[
        bool, typer.Option("--check", help="Write nothing: say whether the page is current.")
    ] = False,
) -> None:
    """Fly known regressions on their bad and good versions, and write integrations/CAUGHT.md.

    Exit codes: 0 each is red where it was, and green where it was not; 1 one is not, or, with
    --check, the page is not current.
    """
    with exit_on_interrupt(STOPPED_MESSAGE):
        seen = flown(REGRESSIONS, print_progress)
    text = regressions_page(seen)
    current = REGRESSIONS_PAGE.is_file() and REGRESSIONS_PAGE.read_text("utf-8") == text
    if not dry:
        write_atomically(REGRESSIONS_PAGE, text)
    for each in seen:
        why_not = "" if each.is_red else "not red on the bad side; "
        why_not += "" if each.is_green else "not green on the good side; "
        typer.echo(f"{'✓' if each.is_proven else '✗'} {each.regression.title}")
        if not each.is_proven:
            typer.echo(f"  {why_not}{each.problem.splitlines()[0] if each.problem else ''}")
    if dry and not current:
        typer.echo(f"{REGRESSIONS_PAGE.name} is not current: python -m integrations caught")
    raise typer.Exit(0 if all(each.is_proven for each in seen) and (current or not dry) else 1)
