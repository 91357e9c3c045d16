"""Saying: a command that cannot do what was asked says why, in a sentence, and ends with a code."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

import typer

from scenarios.reports.terminal import safe_output


@contextmanager
def exit_on_error(
    user_errors: tuple[type[Exception], ...], failure: type[Exception]
) -> Generator[None]:
    """Run a command in the block: what was asked amiss ends it with 2, what is refused with 1.

    Of what it prints, nothing is obeyed by the terminal.
    """
    with safe_output():
        try:
            yield
        except (*user_errors, failure) as error:
            typer.echo(f"error: {error}", err=True)
            sys.exit(1 if isinstance(error, failure) else 2)
