"""`import-trace`: make a test, a tape or a scenario of a trace."""

import json
from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.interrupts import exit_on_interrupt
from scenarios.cli.options import JsonOption
from scenarios.cli.quiet_frameworks import quiet_frameworks
from scenarios.trace_store.store_errors import translate_store_errors
from scenarios.trace_store.tracking_uri import tracking_uri

CommandArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Program that the test runs, after --.", metavar="-- COMMAND"),
]


def import_trace(
    trace: Annotated[
        str,
        typer.Argument(help="JSON file, or ID of a trace or run in the store.", metavar="TRACE"),
    ],
    command: CommandArgument = None,
    into: Annotated[
        Path, typer.Option(help="Folder for the test and its tape.", metavar="FOLDER")
    ] = Path(),
    name: Annotated[
        str, typer.Option(help="Name (default: that of the trace's root span).", metavar="NAME")
    ] = "",
    tape: Annotated[
        Path | None, typer.Option(help="Write only a tape, to this file.", metavar="FILE")
    ] = None,
    workflow: Annotated[
        str,
        typer.Option(
            help="Write a scenario of this workflow, e.g. search_agent.", metavar="WORKFLOW"
        ),
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Replace existing files.", show_default=False)
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a test of a trace: a tape and drafted expectations.

    Reads traces of MLflow, OTLP JSON and the traces that `accept` records, of any instrumentor. The
    test runs COMMAND on the tape. With --tape, only the tape is written; with --workflow, a
    scenario of the catalog.

    Lists what the trace did not hold. Exit codes: 0 the tape answers the whole run; 1 it does not
    (it is written all the same); 2 nothing was written.
    """
    from scenarios.divergence.run_sources import load_all_traces
    from scenarios.trace_import.imported_files import ImportTarget, write_import

    target = ImportTarget(into, name, tape, workflow, tuple(command or ()), force)
    with quiet_frameworks(), exit_on_interrupt("stopped"), translate_store_errors():
        imported = write_import(load_all_traces(trace, tracking_uri()), trace, target)
    if as_json:
        typer.echo(json.dumps(imported.to_json(), indent=2, ensure_ascii=False))
    else:
        for line in imported.describe():
            typer.echo(line)
    raise typer.Exit(0 if imported.tape.is_complete else 1)
