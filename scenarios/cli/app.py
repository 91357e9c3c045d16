"""The command line `python -m scenarios`: its commands, and how errors become exit codes.

Exit codes: 0 passed; 1 failed; 2 cannot run; 130 interrupted by Ctrl-C; 143 ended by SIGTERM. The
`alerts` command has its own: 0 no alerts; 1 alert firing; 2 could not evaluate; 3 webhook delivery
failed.
"""

import typer

from instrumentation.alerts.alert_rules_file import AlertRulesError
from instrumentation.trace import TraceNotFoundError
from scenarios.cli.commands.evaluation_and_monitoring import evaluate, monitor
from scenarios.cli.commands.feedback_and_versions import compare_prompts, dataset, produced_by
from scenarios.cli.commands.live_and_serve import chat, live, serve
from scenarios.cli.commands.reports import bench_diagnosis, diff, governance, quality_gate
from scenarios.cli.commands.scenarios import accept, check, list_scenarios, patches, run
from scenarios.cli.commands.store import alerts, search
from scenarios.cli.commands.tape_files import convert, doctor, import_trace
from scenarios.cli.commands.tapes import record, replay
from scenarios.cli.commands.traces import TRACE_CONTEXT, diagnose, trace
from scenarios.cli.exits import exit_on_error
from scenarios.cli.options import VersionOption
from scenarios.evaluation.diagnosis_benchmark.labelled_logs import BenchmarkDataError
from scenarios.monitoring.metric_export import MetricExportError
from scenarios.monitoring.quality_gate.gate_source import GateFileError
from scenarios.player.accept import AcceptanceError
from scenarios.player.scenario_loader import ScenarioNotFoundError
from scenarios.programs.endpoints import InvalidServiceError
from scenarios.programs.run_program import ProgramNotStartedError
from scenarios.replay.selection.fork import ForkError
from scenarios.replay.service_processes import ServiceUnavailableError
from scenarios.reports.atomic_write import FileNotWrittenError
from scenarios.tape.converters.converted import ConversionError
from scenarios.tape.tape import TapeError
from scenarios.testing.expectations_file import ExpectationsFileError
from scenarios.traces.store.saved_queries import SavedQueryError
from scenarios.traces.store.tracking_uri import StoreUnavailableError
from workflows.model import ModelNotConfiguredError, UnansweredTaskError

USER_ERRORS = (
    AlertRulesError,
    BenchmarkDataError,
    ConversionError,
    ExpectationsFileError,
    FileNotWrittenError,
    ForkError,
    GateFileError,
    InvalidServiceError,
    MetricExportError,
    ModelNotConfiguredError,
    ProgramNotStartedError,
    SavedQueryError,
    ScenarioNotFoundError,
    ServiceUnavailableError,
    StoreUnavailableError,
    TapeError,
    TraceNotFoundError,
    UnansweredTaskError,
)
"""Errors whose message alone tells a person what to do; printed without a traceback."""

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _scenarios(version: VersionOption = False) -> None:
    """Replay failures of multi-agent workflows offline; read the cause in the trace."""


app.command("list")(list_scenarios)
COMMANDS = (
    *(run, check, accept, patches, live, chat),
    *(record, replay, doctor, serve, alerts, search, diff, diagnose, governance),
    monitor,
    quality_gate,
    import_trace,
    convert,
    evaluate,
    bench_diagnosis,
    *(dataset, compare_prompts, produced_by),
)
for _command in COMMANDS:
    app.command()(_command)
app.command(context_settings=TRACE_CONTEXT)(trace)


def main() -> None:
    """Run the command that `sys.argv` names. Exits with 2 on a user error, without a traceback."""
    with exit_on_error(USER_ERRORS, AcceptanceError):
        app()
