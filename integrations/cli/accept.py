"""The command that makes what is seen the golden."""

import os
from contextlib import closing
from typing import Annotated

import typer

from integrations.cli.matrix import STOPPED_MESSAGE, print_progress
from integrations.cli.selection import select_cases
from integrations.environments.declared_environments import INSTRUMENTOR_ENVIRONMENTS, LOCKED
from integrations.fidelity import table_file
from integrations.gaps.known_gaps import KNOWN_GAPS
from integrations.goldens.accept import accept_goldens as accepted
from integrations.matrix.matrix import run_matrix
from scenarios.cli.interrupts import exit_on_interrupt


def accept(
    case: Annotated[
        list[str] | None,
        typer.Argument(help="Cases, as crewai/memory; without one, all.", metavar="[CASE]…"),
    ] = None,
) -> None:
    """Make what the locks' own cells show the golden: read the diff of it before you commit.

    Plays the cases as `matrix --only locked` does, and under other people's instrumentors whose
    environments stand. A case that went otherwise than it says, a gap that is not as it is
    declared, and what is not as the fidelity table says, is not accepted.
    """
    cells = (LOCKED, *INSTRUMENTOR_ENVIRONMENTS)
    with (
        exit_on_interrupt(STOPPED_MESSAGE),
        closing(
            run_matrix(
                cells, select_cases(case or ()), KNOWN_GAPS, print_progress, table_file.load_table()
            )
        ) as running,
    ):
        flown = [each for each in running if each.environment]
    paths = dict.fromkeys(path for each in flown for path in accepted(each))
    written = [os.path.relpath(path) for path in paths]
    typer.echo("\n".join(written) or "all is current")
