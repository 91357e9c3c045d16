"""Start or stop an MLflow server on PostgreSQL that a team shares (`make store`).

python -m scenarios.traces.team_store start|stop
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from scenarios.traces.team_store import MlflowServer, PostgresServer, StoreFolder, TeamStoreError

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)
FolderOption = Annotated[Path, typer.Option("--folder", help="The folder for its state.")]
DEFAULT_FOLDER = Path(".store")


@app.command()
def start(
    folder: FolderOption = DEFAULT_FOLDER,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on 127.0.0.1.")] = 5001,
    workers: Annotated[int, typer.Option(min=1, help="The number of server processes.")] = 1,
) -> None:
    """Start an MLflow server on PostgreSQL in the background, and print how to use it."""
    store = StoreFolder(folder).create()
    database, server = PostgresServer(store), MlflowServer(store, workers)
    with store.lock():
        # A database that is started again may have another port, which the server does not know.
        was_up = server.is_healthy and database.is_running
        if not was_up:
            server.stop()  # it may hang, or some of its processes may have been killed
            server.require_free_port(port)
        database.start()
        if not was_up:
            typer.echo("starting the MLflow server …", err=True)
            server.start(database.uri, port)
    state = "is already running" if was_up else "is running"
    typer.echo(f"the store {state}; its logs are in {os.path.relpath(store.path)}. To use it:")
    typer.echo(f"export MLFLOW_TRACKING_URI={server.url}")


@app.command()
def stop(folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Stop the server and its database; the stored traces stay."""
    store = StoreFolder(folder)
    if not store.path.is_dir():
        typer.echo("the store is not running")
        return
    with store.lock():
        stopped = [MlflowServer(store).stop(), PostgresServer(store).stop()]
    typer.echo(
        "the store is stopped; its traces stay" if any(stopped) else "the store is not running"
    )


def main() -> None:
    """Run a command; print an error as one sentence, with exit code 2."""
    try:
        app()
    except TeamStoreError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
