"""Turn expected errors into one line on stderr and an exit code, instead of a traceback."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

import typer

from scenarios.reports.terminal import safe_output


@contextmanager
def exit_on_error(
    user_errors: tuple[type[Exception], ...], failure: type[Exception]
) -> Generator[None]:
    """Run a command in the block; exit with 2 on one of `user_errors`, with 1 on `failure`.

    Control characters in the output are replaced, so that the terminal obeys none of them.
    """
    with safe_output():
        try:
            yield
        except (*user_errors, failure) as error:
            typer.echo(f"error: {error}", err=True)
            sys.exit(1 if isinstance(error, failure) else 2)
