"""Turn expected errors into one line on stderr and an exit code, instead of a traceback."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

import typer

from scenarios.reports.terminal import safe_output

DISTRIBUTION = "agent-flight-recorder"
EXTRAS = {
    "autogen_agentchat": "autogen",
    "autogen_core": "autogen",
    "autogen_ext": "autogen",
    "crewai": "crewai",
    "httptools": "replay",
    "numpy": "scenarios",
    "openai": "openai",
    "psycopg2": "postgres",
    "psycopg": "postgres",
    "starlette": "replay",
    "tavily": "scenarios",
    "uvicorn": "replay",
    "uvloop": "replay",
}
"""The extra of the distribution that installs a package, by the name that is imported."""


@contextmanager
def exit_on_error(
    user_errors: tuple[type[Exception], ...], failure: type[Exception]
) -> Generator[None]:
    """Run a command in the block; exit with 2 on one of `user_errors`, with 1 on `failure`.

    A package of an extra that is not installed is a user error, too.

    Control characters in the output are replaced, so that the terminal obeys none of them.
    """
    with safe_output():
        try:
            yield
        except (*user_errors, failure) as error:
            typer.echo(f"error: {error}", err=True)
            sys.exit(1 if isinstance(error, failure) else 2)
        except ModuleNotFoundError as error:
            package = str(error.name).partition(".")[0]
            if package not in EXTRAS:
                raise
            typer.echo(
                f"error: this command needs the package {package}, which is not installed:"
                f' pip install "{DISTRIBUTION}[{EXTRAS[package]}]"',
                err=True,
            )
            sys.exit(2)
