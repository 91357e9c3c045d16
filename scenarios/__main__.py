"""The command line: `python -m scenarios`, behind the doors of the Makefile.

Exit codes: 0 the verdict is passed, 1 it is failed, 2 what was asked cannot be done, 130 Ctrl-C.
"""

import sys
from io import TextIOWrapper

import typer

from instrumentation.trace import NoTrace
from scenarios.accept import NotAccepted
from scenarios.commands import app
from scenarios.processes import NotUp
from scenarios.shelf import NoScenario
from scenarios.store import NoStore
from scenarios.tape import TapeError
from workflows.model import NoModel


def main() -> None:
    """Run a command; what a person asked amiss is said in a sentence, with exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without arrows shows a question mark
    try:
        app()
    except (NoScenario, NoStore, NotUp, TapeError, NoTrace, NoModel) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except NotAccepted as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
