"""End a running command cleanly on Ctrl-C or SIGTERM."""

from collections.abc import Generator
from contextlib import contextmanager

import typer

from instrumentation.sigterm import SIGTERM_EXIT_CODE, handle_sigterm

STOPPED_MESSAGE = "stopped; the spans recorded so far are in the store"


@contextmanager
def exit_on_interrupt(message: str = STOPPED_MESSAGE) -> Generator[None]:
    """Print `message` and exit with 130 on Ctrl-C, with 143 on SIGTERM.

    The block is left by an exception first, so open spans are stored as cancelled.
    """
    try:
        with handle_sigterm():
            yield
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != SIGTERM_EXIT_CODE:
            raise
        typer.echo(f"\n{message}", err=True)
        code = 130 if isinstance(stop, KeyboardInterrupt) else SIGTERM_EXIT_CODE
        raise typer.Exit(code) from None
