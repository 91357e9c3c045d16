"""What Ctrl-C stops, and how it ends."""

from collections.abc import Generator
from contextlib import contextmanager

import typer


@contextmanager
def stoppable() -> Generator[None]:
    """Ctrl-C ends a run cleanly: its spans say that they were cancelled, and are stored."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("\nstopped; what was traced until then is in the store", err=True)
        raise typer.Exit(130) from None
