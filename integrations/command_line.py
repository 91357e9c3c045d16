"""The command line: `python -m integrations`, behind the doors of the Makefile.

Exit codes: 0 all is as it is declared, 1 it is not, 2 what was asked cannot be done, 130 Ctrl-C.
"""

from integrations.accepted import NotAccepted
from integrations.cells.choice import NoChoice
from integrations.cells.installer import NotInstallable
from integrations.cells.requirements import NoRequirement
from integrations.commands import app
from integrations.fidelity.kept import NoTable
from integrations.shapes.goldens import NoGolden
from scenarios.saying import saying
from scenarios.whole import NotWritten

AMISS = (NoChoice, NoRequirement, NoGolden, NoTable, NotInstallable, NotWritten)
"""What says of itself, in a sentence, why it cannot be done."""


def main() -> None:
    """Run a command; what a person asked amiss is said in a sentence, with exit code 2."""
    with saying(AMISS, NotAccepted):
        app()
