"""The command line: `python -m scenarios`, behind the doors of the Makefile.

Exit codes: 0 the verdict is passed, 1 it is failed, 2 what was asked cannot be done, 130 Ctrl-C.
`alerts`: 0 all is quiet, 1 something alarms, 2 it cannot be judged, 3 a webhook was not told.
"""

from instrumentation.alerts.alert_rules_file import NoTable
from instrumentation.trace.trace import NoTrace
from scenarios.atomic_write import NotWritten
from scenarios.cli.app import app
from scenarios.cli.error_exit import saying
from scenarios.player.accept import NotAccepted
from scenarios.player.scenario_loader import NoScenario
from scenarios.replay.service_processes import NotUp
from scenarios.tape.tape import TapeError
from scenarios.trace_store.saved_queries import NoQuery
from scenarios.trace_store.tracking_uri import NoStore
from workflows.model import NoModel

AMISS = (NoScenario, NoStore, NotUp, NotWritten, TapeError, NoTrace, NoTable, NoQuery, NoModel)
"""What says of itself, in a sentence, why it cannot be done."""


def main() -> None:
    """Run a command; what a person asked amiss is said in a sentence, with exit code 2."""
    with saying(AMISS, NotAccepted):
        app()
