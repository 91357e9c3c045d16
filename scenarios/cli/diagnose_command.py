"""The command that diagnoses a trace, or all runs of an experiment."""

import json
from typing import Annotated

import typer

from instrumentation.diagnosis import diagnose as diagnose_trace
from scenarios.cli.interrupts import exit_on_interrupt
from scenarios.cli.options import JsonOption
from scenarios.cli.quiet_frameworks import quiet_frameworks
from scenarios.reports.diagnosis_report import render_diagnosis, render_experiment
from scenarios.reports.terminal_report import make_console, print_report
from scenarios.trace_store.store_errors import translate_store_errors
from scenarios.trace_store.trace_argument import load_trace_argument
from scenarios.trace_store.tracking_uri import require_reachable, tracking_uri


def diagnose(
    trace: Annotated[
        str | None,
        typer.Argument(help="JSON file with traces, an MLflow trace ID, or last.", metavar="TRACE"),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(help="Diagnose all runs of this MLflow experiment.", metavar="NAME"),
    ] = None,
    log: Annotated[
        bool,
        typer.Option("--log", help="Log findings as MLflow assessments and issues."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Find what went wrong in a trace, who began it, and where.

    Reads nothing but the spans of the trace, and calls no model. The first finding is the origin
    of the failure; the others follow from it, or happened later. `last` is the newest trace at
    MLFLOW_TRACKING_URI. A trace without findings may lack what would show a failure: see "lacks".

    Exit codes: 0 nothing found; 1 findings; 2 a trace cannot be read.
    """
    if (trace is None) == (experiment is None):
        raise typer.BadParameter("expected either a TRACE or --experiment NAME")
    if experiment is not None:
        found = _diagnose_experiment(experiment, log, as_json)
    else:
        found = _diagnose_traces(str(trace), log, as_json)
    raise typer.Exit(1 if found else 0)


def _diagnose_traces(argument: str, log: bool, as_json: bool) -> bool:
    """Diagnose the traces that an argument names; returns whether anything was found."""
    with quiet_frameworks(), exit_on_interrupt(), translate_store_errors():
        traces = load_trace_argument(argument, tracking_uri())
        diagnoses = [diagnose_trace(one) for one in traces]
        if log:
            from scenarios.diagnoses import log_findings

            for one, diagnosis in zip(traces, diagnoses, strict=True):
                log_findings(one, diagnosis, tracking_uri())
    if as_json:
        results = [one.to_json() for one in diagnoses]
        output = results[0] if len(results) == 1 else results
        typer.echo(json.dumps(output, indent=2, ensure_ascii=False))
    else:
        for one, diagnosis in zip(traces, diagnoses, strict=True):
            print_report(render_diagnosis(one, diagnosis))
    return any(one.findings for one in diagnoses)


def _diagnose_experiment(name: str, log: bool, as_json: bool) -> bool:
    """Diagnose an experiment with a progress bar; returns whether anything was found."""
    from rich.progress import track

    with quiet_frameworks(), exit_on_interrupt(), translate_store_errors():
        from scenarios.diagnoses.experiment import ExperimentDiagnosis

        store = require_reachable(tracking_uri())
        diagnosis = ExperimentDiagnosis(name, store)
        runs = list(
            track(
                diagnosis.iter_runs(log=log),
                description="diagnosing",
                total=len(diagnosis.groups),
                console=make_console(stderr=True),
                transient=True,
            )
        )
    if as_json:
        output = {"experiment": name, "runs": [run.to_json() for run in runs]}
        typer.echo(json.dumps(output, indent=2, ensure_ascii=False))
    else:
        print_report(render_experiment(name, runs))
    if any(run.problem for run in runs):
        raise typer.Exit(2)
    return any(run.findings for run in runs)
