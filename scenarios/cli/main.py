"""The command line: `python -m scenarios`, behind the doors of the Makefile.

Exit codes: 0 the verdict is passed, 1 it is failed, 2 what was asked cannot be done, 130 Ctrl-C.
`alerts`: 0 all is quiet, 1 something alarms, 2 it cannot be judged, 3 a webhook was not told.
"""

from instrumentation.alerts.alert_rules_file import AlertRulesError
from instrumentation.trace.trace import TraceNotFoundError
from scenarios.atomic_write import FileNotWrittenError
from scenarios.cli.app import app
from scenarios.cli.error_exit import exit_on_error
from scenarios.player.accept import AcceptanceError
from scenarios.player.scenario_loader import ScenarioNotFoundError
from scenarios.replay.service_processes import ServiceUnavailableError
from scenarios.tape.tape import TapeError
from scenarios.trace_store.saved_queries import SavedQueryError
from scenarios.trace_store.tracking_uri import StoreUnavailableError
from workflows.model import NoModel

USER_ERRORS = (
    ScenarioNotFoundError,
    StoreUnavailableError,
    ServiceUnavailableError,
    FileNotWrittenError,
    TapeError,
    TraceNotFoundError,
    AlertRulesError,
    SavedQueryError,
    NoModel,
)
"""What says of itself, in a sentence, why it cannot be done."""


def main() -> None:
    """Run a command; what a person asked amiss is said in a sentence, with exit code 2."""
    with exit_on_error(USER_ERRORS, AcceptanceError):
        app()
