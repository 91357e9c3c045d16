"""End a command with an exit code, not a traceback: after expected errors, Ctrl-C or SIGTERM."""

import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, redirect_stdout

import typer

from instrumentation.tracing_setup.sigterm import SIGTERM_EXIT_CODE, handle_sigterm
from scenarios.cli.startup import quiet_frameworks
from scenarios.reports.terminal import safe_output
from scenarios.traces.store.tracking_uri import translate_store_errors

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

STOPPED_MESSAGE = "stopped; the spans recorded so far are in the store"


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


@contextmanager
def store_access(
    stopped: str = STOPPED_MESSAGE, *, redirects_stdout: bool = False
) -> Generator[None]:
    """Run a command that uses a trace store in the block: frameworks are silent, errors are short.

    Args:
        stopped: The message after Ctrl-C or SIGTERM.
        redirects_stdout: Whether what MLflow prints, such as its progress, goes to stderr.
    """
    stdout = redirect_stdout(sys.stderr) if redirects_stdout else nullcontext()
    with quiet_frameworks(), exit_on_interrupt(stopped), translate_store_errors(), stdout:
        yield
