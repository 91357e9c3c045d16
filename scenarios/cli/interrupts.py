"""What Ctrl-C or SIGTERM stops, and how it ends."""

from collections.abc import Generator
from contextlib import contextmanager

import typer

from instrumentation.sigterm import SIGTERM_EXIT_CODE, handle_sigterm

STOPPED_MESSAGE = "stopped; what was traced until then is in the store"


@contextmanager
def exit_on_interrupt(message: str = STOPPED_MESSAGE) -> Generator[None]:
    """Either ends a run cleanly: its spans say that they were cancelled, and are stored."""
    try:
        with handle_sigterm():
            yield
    except (KeyboardInterrupt, SystemExit) as stop:
        typer.echo(f"\n{message}", err=True)
        raise typer.Exit(
            130 if isinstance(stop, KeyboardInterrupt) else SIGTERM_EXIT_CODE
        ) from None
