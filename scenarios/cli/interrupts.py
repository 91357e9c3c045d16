"""What Ctrl-C or SIGTERM stops, and how it ends."""

from collections.abc import Generator
from contextlib import contextmanager

import typer

from instrumentation.sigterm import TERMINATED, terminable

STORED = "stopped; what was traced until then is in the store"


@contextmanager
def stoppable(says: str = STORED) -> Generator[None]:
    """Either ends a run cleanly: its spans say that they were cancelled, and are stored."""
    try:
        with terminable():
            yield
    except (KeyboardInterrupt, SystemExit) as stop:
        typer.echo(f"\n{says}", err=True)
        raise typer.Exit(130 if isinstance(stop, KeyboardInterrupt) else TERMINATED) from None
