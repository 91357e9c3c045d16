"""The command line: `python -m integrations`, behind the doors of the Makefile.

Exit codes: 0 all is as it is declared, 1 it is not, 2 what was asked cannot be done, 130 Ctrl-C.
"""

from integrations.cli.app import app
from integrations.cli.selection import SelectionError
from integrations.environments.requirements import RequirementError
from integrations.environments.uv import InstallError
from integrations.fidelity.table_file import TableFileError
from integrations.goldens.accept import GoldenNotAcceptedError
from integrations.goldens.golden_file import GoldenFileError
from scenarios.atomic_write import FileNotWrittenError
from scenarios.cli.error_exit import exit_on_error

USER_ERRORS = (
    SelectionError,
    RequirementError,
    GoldenFileError,
    TableFileError,
    InstallError,
    FileNotWrittenError,
)
"""What says of itself, in a sentence, why it cannot be done."""


def main() -> None:
    """Run a command; what a person asked amiss is said in a sentence, with exit code 2."""
    with exit_on_error(USER_ERRORS, GoldenNotAcceptedError):
        app()
