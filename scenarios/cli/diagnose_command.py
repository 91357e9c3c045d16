"""The command that diagnoses a trace."""

import json
from typing import Annotated

import typer

from instrumentation.diagnosis import diagnose as diagnose_trace
from scenarios.cli.interrupts import exit_on_interrupt
from scenarios.cli.options import JsonOption
from scenarios.cli.quiet_frameworks import quiet_frameworks
from scenarios.reports.diagnosis_report import render_diagnosis
from scenarios.reports.terminal_report import print_report
from scenarios.trace_store.store_errors import translate_store_errors
from scenarios.trace_store.trace_argument import load_trace_argument
from scenarios.trace_store.tracking_uri import tracking_uri


def diagnose(
    trace: Annotated[
        str,
        typer.Argument(help="JSON file with traces, an MLflow trace ID, or last.", metavar="TRACE"),
    ],
    as_json: JsonOption = False,
) -> None:
    """Find what went wrong in a trace, who began it, and where.

    Reads nothing but the spans of the trace, and calls no model. The first finding is the origin
    of the failure; the others follow from it, or happened later. `last` is the newest trace at
    MLFLOW_TRACKING_URI. A trace without findings may lack what would show a failure: see "lacks".

    Exit codes: 0 nothing found; 1 findings; 2 the trace cannot be read.
    """
    with quiet_frameworks(), exit_on_interrupt(), translate_store_errors():
        traces = load_trace_argument(trace, tracking_uri())
    diagnoses = [diagnose_trace(one) for one in traces]
    if as_json:
        results = [one.to_json() for one in diagnoses]
        output = results[0] if len(results) == 1 else results
        typer.echo(json.dumps(output, indent=2, ensure_ascii=False))
    else:
        for one, diagnosis in zip(traces, diagnoses, strict=True):
            print_report(render_diagnosis(one, diagnosis))
    raise typer.Exit(1 if any(one.findings for one in diagnoses) else 0)
