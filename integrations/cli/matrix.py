"""The command that plays the cases across versions."""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from integrations.cli.selection import select_cases, select_environments
from integrations.environments.declared_environments import DECLARED_ENVIRONMENTS
from integrations.fidelity import table_file
from integrations.gaps.known_gaps import KNOWN_GAPS
from integrations.matrix.matrix import EnvironmentResult
from integrations.matrix.matrix import run_matrix as flown_in
from integrations.reports.matrix_json import matrix_document
from integrations.reports.matrix_markdown import matrix_markdown
from integrations.reports.matrix_terminal import render_matrix
from scenarios.atomic_write import write_atomically
from scenarios.cli.interrupts import exit_on_interrupt
from scenarios.reports.terminal_report import print_report

STOPPED_MESSAGE = "stopped; environments that are built stay, and nothing else"


def matrix(
    cell: Annotated[
        list[str] | None,
        typer.Option(
            help="A version of your own: a requirement, a wheel, a folder. Several make one cell.",
            metavar="REQUIREMENT",
        ),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="A declared cell, as --list names it.", metavar="NAME")
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(help="A case, as crewai/memory, or all of a framework.", metavar="CASE"),
    ] = None,
    instrumentor: Annotated[
        list[str] | None, typer.Option(help="One of a cell's instrumentors.", metavar="NAME")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    to_markdown: Annotated[
        Path | None,
        typer.Option("--markdown", help="Write Markdown to it, as to $GITHUB_STEP_SUMMARY."),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="List the declared cells; nothing is played.")
    ] = False,
) -> None:
    """Play the cases in cells of other versions; hold what is told against goldens and known gaps.

    Without --cell, in all the declared cells. To test a build of yours, name it:

        python -m integrations matrix --cell "mlflow @ file:///home/me/mlflow"

    The rest is as the lock pins it. What is missing from the traces must be declared as a gap, and
    what is declared must be missing: either is told, and fails. A build of another's instrumentor
    is played under that one, among the versions of its own lock:

        python -m integrations matrix --cell ./openinference-instrumentation-crewai

    What it tells must be as integrations/FIDELITY.md has it, neither worse nor better; so must what
    a framework's own OpenTelemetry tells. With --instrumentor OpenInference any other requirement
    is played so, too.

    How trees and prompts changed is told, and fails nothing, but where a cell is a lock's own.
    Environments are built on demand with uv, and kept in .envs/cells. Exit codes: 0 all is as
    declared; 1 it is not, or a cell cannot be installed; 2 it cannot be done; 130 Ctrl-C.
    """
    if listed:
        _list_environments()
        return
    if to_markdown and not to_markdown.parent.is_dir():
        raise typer.BadParameter(f"--markdown: there is no folder {to_markdown.parent}")
    chosen, played = (
        select_environments(only or (), cell or (), instrumentor or ()),
        select_cases(case or ()),
    )
    flown: list[EnvironmentResult] = []
    running = flown_in(chosen, played, KNOWN_GAPS, print_progress, table_file.load_table())
    with exit_on_interrupt(STOPPED_MESSAGE), closing(running):
        flown.extend(running)
    if to_markdown:
        write_atomically(to_markdown, matrix_markdown(flown))
    if as_json:
        typer.echo(json.dumps(matrix_document(flown), indent=2, ensure_ascii=False))
    else:
        print_report(render_matrix(flown))
    raise typer.Exit(0 if all(each.passed for each in flown) else 1)


def _list_environments() -> None:
    width = max(len(each.name) for each in DECLARED_ENVIRONMENTS)
    for each in DECLARED_ENVIRONMENTS:
        typer.echo(f"{each.name:<{width}}  {each.note}")


def print_progress(line: str) -> None:
    """What has just ended; apart from the report, which goes to stdout."""
    typer.echo(line, err=True)
