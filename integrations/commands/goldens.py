"""The command that makes what is seen the golden."""

import os
from contextlib import closing
from typing import Annotated

import typer

from integrations.accepted import accept as accepted
from integrations.cells import LOCKED
from integrations.choice import chosen_cases
from integrations.commands.matrix import STOPPED, progress
from integrations.known import KNOWN
from integrations.matrix import matrix
from scenarios.commands.stoppable import stoppable


def accept(
    case: Annotated[
        list[str] | None,
        typer.Argument(help="Cases, as crewai/memory; without one, all.", metavar="[CASE]…"),
    ] = None,
) -> None:
    """Make what the lock's own cell shows the golden: read the diff of it before you commit.

    Plays the cases as `matrix --only locked` does. A case that went otherwise than it says, or a
    gap that is not as it is declared, is not accepted.
    """
    with (
        stoppable(STOPPED),
        closing(matrix([LOCKED], chosen_cases(case or ()), KNOWN, progress)) as running,
    ):
        (flown,) = running
    written = [os.path.relpath(path) for path in accepted(flown)]
    typer.echo("\n".join(written) or "all is current")
