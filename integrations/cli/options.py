"""Options and messages that several commands share."""

from typing import Annotated

import typer

CaseOption = Annotated[
    list[str] | None,
    typer.Option("--case", help="A case, e.g. crewai/memory, or a framework.", metavar="CASE"),
]
InstrumentorOption = Annotated[
    list[str] | None,
    typer.Option("--instrumentor", help="An instrumentor, e.g. OpenLIT.", metavar="NAME"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

STOPPED_MESSAGE = "stopped: the environments built so far are kept, the results are discarded"


def print_progress(line: str) -> None:
    """Print a line to stderr, because the report goes to stdout."""
    typer.echo(line, err=True)
