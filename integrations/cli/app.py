"""The command line: `python -m integrations COMMAND`.

Exit codes: 0 everything is as declared; 1 something is not; 2 cannot run; 130 interrupted.
"""

import typer

from integrations.cli.commands import accept, fidelity, prove_regressions
from integrations.cli.environment_selection import SelectionError
from integrations.cli.matrix_command import matrix
from integrations.environments.requirements import RequirementError
from integrations.environments.uv import InstallError
from integrations.fidelity.table_file import TableFileError
from integrations.goldens.accept import GoldenNotAcceptedError
from integrations.goldens.golden_file import GoldenFileError
from scenarios.cli.exits import exit_on_error
from scenarios.cli.options import VersionOption
from scenarios.reports.atomic_write import FileNotWrittenError

USER_ERRORS = (
    SelectionError,
    RequirementError,
    GoldenFileError,
    TableFileError,
    InstallError,
    FileNotWrittenError,
)
"""Errors whose text tells the user what to change."""

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _integrations(version: VersionOption = False) -> None:
    """Count what tracing integrations record of test cases, version by version."""


app.command()(fidelity)
app.command()(matrix)
app.command()(accept)
app.command("caught")(prove_regressions)


def main() -> None:
    """Run a command. The errors of the user are printed, with exit code 2."""
    with exit_on_error(USER_ERRORS, GoldenNotAcceptedError):
        app()
