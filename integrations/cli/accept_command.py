"""The command `accept`: writes the goldens of the cases."""

import os
from contextlib import closing
from typing import Annotated

import typer

from integrations.cli.environment_selection import select_cases
from integrations.cli.matrix_command import STOPPED_MESSAGE, print_progress
from integrations.environments.declared_environments import INSTRUMENTOR_ENVIRONMENTS, LOCKED
from integrations.fidelity.table_file import load_table
from integrations.gaps.known_gaps import load_known_gaps
from integrations.goldens.accept import accept_goldens
from integrations.matrix.matrix import run_matrix
from scenarios.cli.exits import exit_on_interrupt


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
