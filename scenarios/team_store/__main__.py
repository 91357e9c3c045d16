"""The doors of a team's store: `python -m scenarios.team_store start|stop`, behind `make store`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from scenarios.team_store import MlflowServer, PostgresServer, StoreFolder, TeamStoreError

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)
FolderOption = Annotated[Path, typer.Option("--folder", help="Where it keeps its state.")]
DEFAULT_FOLDER = Path(".store")


@app.command()
def start(
    folder: FolderOption = DEFAULT_FOLDER,
    port: Annotated[int, typer.Option(min=1, max=65535, help="On 127.0.0.1.")] = 5001,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer.")] = 1,
) -> None:
    """Start an MLflow server on PostgreSQL, in the background, and say how to use it."""
    made = StoreFolder(folder).create()
    database, server = PostgresServer(made), MlflowServer(made, workers)
    with made.lock():
        was_up = server.is_healthy and database.is_running  # which may come back at another port
        if not was_up:
            server.stop()  # what is left of one that hangs, or was killed in part
            server.require_free_port(port)
        database.start()
        if not was_up:
            typer.echo("starting MLflow's server …", err=True)
            server.start(database.uri, port)
    state = "is up already" if was_up else "is up"
    typer.echo(f"the store {state}; its logs are in {os.path.relpath(made.path)}. To use it:")
    typer.echo(f"export MLFLOW_TRACKING_URI={server.url}")


@app.command()
def stop(folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Stop the server and its database; what they hold stays."""
    there = StoreFolder(folder)
    if not there.path.is_dir():
        typer.echo("the store is not up")
        return
    with there.lock():
        ended = [MlflowServer(there).stop(), PostgresServer(there).stop()]
    typer.echo("the store is stopped; what it holds stays" if any(ended) else "the store is not up")


def main() -> None:
    """Run a command; what hinders it is said in a sentence, with exit code 2."""
    try:
        app()
    except TeamStoreError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
