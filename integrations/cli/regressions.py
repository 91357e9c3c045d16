"""The command that proves, regression by regression, that the suite tells it."""

from typing import Annotated

import typer

from integrations.cli.matrix import STOPPED, progress
from integrations.regressions.known_regressions import REGRESSIONS
from integrations.regressions.run_regressions import caught as flown
from integrations.reports.regressions_page import PAGE, page
from scenarios.atomic_write import write
from scenarios.cli.interrupts import stoppable


def caught(
    dry: Annotated[
        bool, typer.Option("--check", help="Write nothing: say whether the page is current.")
    ] = False,
) -> None:
    """Fly known regressions on their bad and good versions, and write integrations/CAUGHT.md.

    Exit codes: 0 each is red where it was, and green where it was not; 1 one is not, or, with
    --check, the page is not current.
    """
    with stoppable(STOPPED):
        seen = flown(REGRESSIONS, progress)
    text = page(seen)
    current = PAGE.is_file() and PAGE.read_text("utf-8") == text
    if not dry:
        write(PAGE, text)
    for each in seen:
        why_not = "" if each.red else "not red on the bad side; "
        why_not += "" if each.green else "not green on the good side; "
        typer.echo(f"{'✓' if each.proven else '✗'} {each.regression.title}")
        if not each.proven:
            typer.echo(f"  {why_not}{each.trouble.splitlines()[0] if each.trouble else ''}")
    if dry and not current:
        typer.echo(f"{PAGE.name} is not current: python -m integrations caught")
    raise typer.Exit(0 if all(each.proven for each in seen) and (current or not dry) else 1)
