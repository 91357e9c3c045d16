"""The command `matrix`: run the cases in environments with several versions of packages."""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from integrations.cli.environment_selection import select_cases, select_environments
from integrations.cli.options import (
    STOPPED_MESSAGE,
    CaseOption,
    InstrumentorOption,
    JsonOption,
    print_progress,
)
from integrations.environments.declared_environments import DECLARED_ENVIRONMENTS
from integrations.fidelity.table_file import load_table
from integrations.gaps.gap import load_known_gaps
from integrations.reports.matrix_json import matrix_document
from integrations.reports.matrix_report import matrix_markdown, render_matrix
from integrations.runner.matrix import run_matrix
from scenarios.cli.exits import exit_on_interrupt
from scenarios.reports.atomic_write import write_atomically
from scenarios.reports.terminal_report import print_report


def matrix(
    requirement: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            help="A requirement, wheel or folder to test; repeatable.",
            metavar="REQUIREMENT",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="A declared environment (see --list).", metavar="NAME"),
    ] = None,
    case: CaseOption = None,
    instrumentor: InstrumentorOption = None,
    as_json: JsonOption = False,
    to_markdown: Annotated[
        Path | None,
        typer.Option("--markdown", help="Write a report, e.g. to $GITHUB_STEP_SUMMARY."),
    ] = None,
    list_environments: Annotated[
        bool, typer.Option("--list", help="List the declared environments and exit.")
    ] = False,
) -> None:
    """Run the cases in environments of other versions.

    Compares the traces with the goldens and with the declared gaps. By default, runs them in all
    declared environments. To test a build of your own, name it:

        python -m integrations matrix --with "mlflow @ file:///home/me/mlflow"

    All packages that you do not name keep the lock file's version. Whatever is missing from the
    traces must be declared as a gap, and every declared gap must occur; any other result fails.
    A build of another instrumentor runs under that instrumentor, with the other versions of its
    own lock:

        python -m integrations matrix --with ./traceloop-sdk

    Its results must be equal to those in integrations/FIDELITY.md, neither worse nor better; so
    must those of a framework's own OpenTelemetry. With --instrumentor OpenInference, any other
    requirement is tested with that instrumentor and its lock.

    Trees and prompts that differ from their goldens are reported. They fail the run only in the
    locked environments.
    Environments are built on demand with uv and kept in .envs/matrix. Exit codes: 0 everything is
    as declared; 1 something is not, or an environment cannot be installed; 2 cannot run; 130
    interrupted.
    """
    if list_environments:
        _list_environments()
        return
    if to_markdown and not to_markdown.parent.is_dir():
        raise typer.BadParameter(f"--markdown: there is no folder {to_markdown.parent}")
    specs = select_environments(only or (), requirement or (), instrumentor or ())
    cases = select_cases(case or ())
    running = run_matrix(specs, cases, load_known_gaps(), print_progress, load_table())
    with exit_on_interrupt(STOPPED_MESSAGE), closing(running):
        results = list(running)
    if to_markdown:
        write_atomically(to_markdown, matrix_markdown(results))
    if as_json:
        typer.echo(json.dumps(matrix_document(results), indent=2, ensure_ascii=False))
    else:
        print_report(render_matrix(results))
    raise typer.Exit(0 if all(each.passed for each in results) else 1)


def _list_environments() -> None:
    width = max(len(each.name) for each in DECLARED_ENVIRONMENTS)
    for each in DECLARED_ENVIRONMENTS:
        typer.echo(f"{each.name:<{width}}  {each.note}")
