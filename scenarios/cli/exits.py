"""End a command with an exit code, not a traceback: after expected errors, Ctrl-C or SIGTERM."""

import errno
import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path

import typer

from instrumentation.tracing_setup.sigterm import SIGTERM_EXIT_CODE, handle_sigterm
from scenarios.cli.startup import quiet_frameworks
from scenarios.reports.terminal import discard_output, safe_output
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

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
UNUSABLE_NAMES = (errno.ENAMETOOLONG, errno.ELOOP)
STOPPED_MESSAGE = "stopped; the spans recorded so far are in the store"


@contextmanager
def exit_on_error(
    user_errors: tuple[type[Exception], ...], failure: type[Exception]
) -> Generator[None]:
    """Run a command in the block; exit with 2 on one of `user_errors`, with 1 on `failure`.

    A package of an extra that is not installed is a user error, too, and so is a full disk.

    Control characters in the output are replaced, so that the terminal obeys none of them.
    """
    with safe_output():
        try:
            with _flush_output():
                yield
        except (*user_errors, failure) as error:
            typer.echo(f"error: {_hide_secrets(str(error))}", err=True)
            sys.exit(1 if isinstance(error, failure) else 2)
        except OSError as error:
            _require_working_folder()
            if error.errno in UNUSABLE_NAMES:
                name = str(error.filename)[:80]
                typer.echo(f"error: {name}: {error.strerror}; name an existing file", err=True)
                sys.exit(2)
            if error.errno not in FULL_DISK:
                raise
            discard_output()
            place = error.filename or "stdout"
            typer.echo(f"error: {place}: {error.strerror}, so not all was written", err=True)
            sys.exit(2)
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
def _flush_output() -> Generator[None]:
    """Write the rest of stdout when the block ends, so that an error of it can be reported."""
    try:
        yield
    finally:
        sys.stdout.flush()


def _require_working_folder() -> None:
    """Exit with 2 if another program has removed the folder in which the command runs."""
    try:
        Path.cwd()
    except OSError:
        typer.echo("error: the current folder was removed; change to another one", err=True)
        sys.exit(2)


def _hide_secrets(message: str) -> str:
    """The message without keys: it may quote an address, a server's answer or a user's code."""
    from instrumentation.redaction import DEFAULT_REDACTION  # takes a tenth of a second

    return DEFAULT_REDACTION.redact_text(message)


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
