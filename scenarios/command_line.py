"""The command line: `python -m scenarios`, behind the doors of the Makefile.

Exit codes: 0 the verdict is passed, 1 it is failed, 2 what was asked cannot be done, 130 Ctrl-C.
`alerts`: 0 all is quiet, 1 something alarms, 2 it cannot be judged, 3 a webhook was not told.
"""

from instrumentation.alerts.table import NoTable
from instrumentation.trace import NoTrace
from scenarios.accept import NotAccepted
from scenarios.commands import app
from scenarios.processes import NotUp
from scenarios.saying import saying
from scenarios.search.query import NoQuery
from scenarios.shelf import NoScenario
from scenarios.store import NoStore
from scenarios.tape import TapeError
from scenarios.whole import NotWritten
from workflows.model import NoModel

AMISS = (NoScenario, NoStore, NotUp, NotWritten, TapeError, NoTrace, NoTable, NoQuery, NoModel)
"""What says of itself, in a sentence, why it cannot be done."""


def main() -> None:
    """Run a command; what a person asked amiss is said in a sentence, with exit code 2."""
    with saying(AMISS, NotAccepted):
        app()
