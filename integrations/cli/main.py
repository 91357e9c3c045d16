"""The command line: `python -m integrations`, behind the doors of the Makefile.

Exit codes: 0 all is as it is declared, 1 it is not, 2 what was asked cannot be done, 130 Ctrl-C.
"""

from integrations.cli.app import app
from integrations.cli.selection import NoChoice
from integrations.environments.requirements import NoRequirement
from integrations.environments.uv import NotInstallable
from integrations.fidelity.table_file import NoTable
from integrations.goldens.accept import NotAccepted
from integrations.goldens.golden_file import NoGolden
from scenarios.atomic_write import NotWritten
from scenarios.cli.error_exit import saying

AMISS = (NoChoice, NoRequirement, NoGolden, NoTable, NotInstallable, NotWritten)
"""What says of itself, in a sentence, why it cannot be done."""


def main() -> None:
    """Run a command; what a person asked amiss is said in a sentence, with exit code 2."""
    with saying(AMISS, NotAccepted):
        app()
