"""The commands that record and diagnose traces: trace and diagnose."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from instrumentation.diagnosis import Diagnosis
from instrumentation.diagnosis import diagnose as diagnose_trace
from instrumentation.diagnosis.suspicion import Suspect, rank_suspects
from instrumentation.trace import Trace
from scenarios.cli.exits import store_access
from scenarios.cli.options import TRACE_HELP, JsonOption, parse_pairs
from scenarios.cli.output import print_json, print_json_one_or_list
from scenarios.programs.launcher.launch import TraceSettings, absolute_store, launch
from scenarios.reports.diagnosis_report import (
    render_diagnosis,
    render_experiment,
    render_suspects,
)
from scenarios.reports.terminal_report import make_console, print_report, trace_url
from scenarios.traces.diagnoses.span_links import link_spans
from scenarios.traces.store.trace_argument import load_trace_argument
from scenarios.traces.store.tracking_uri import require_existing, require_reachable, tracking_uri

TRACE_CONTEXT = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""Everything from the program on belongs to the program."""
TAG_EXPECTED = "--tag expects KEY=VALUE, e.g. release=1.4"
MAX_SUSPECTS = 3
"""So many of the most suspicious steps are named."""


def trace(
    command: Annotated[
        list[str],
        typer.Argument(help="Script, -m MODULE, or command; its arguments.", metavar="PROGRAM"),
    ],
    store: Annotated[
        str | None,
        typer.Option(help="MLflow store (default: MLFLOW_TRACKING_URI).", metavar="URI"),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(help="Tag for all traces of the program (repeatable).", metavar="KEY=VALUE"),
    ] = None,
    experiment: Annotated[
        str, typer.Option(help="MLflow experiment; created if needed.", metavar="NAME")
    ] = "flight-recorder",
    children: Annotated[
        bool, typer.Option("--children", help="Trace Python programs that it starts, too.")
    ] = False,
) -> None:
    """Run an unmodified program and record it.

    The program runs as it does in plain Python, with its own arguments, output, signals and exit
    code. AutoGen, CrewAI and openai are recorded from the moment that it imports them. At its end,
    all spans are stored, and the links of its traces are printed on stderr.

    Examples: trace app.py --verbose; trace --tag release=1.4 -m my_package; trace uvicorn app:app
    """
    if (command[0].startswith("-") and command[0] != "-m") or command == ["-m"]:
        raise typer.BadParameter(
            f"no such option: {command[0]}; expected a script, -m MODULE, or a command"
        )
    uri = require_reachable(absolute_store(store or tracking_uri()))
    launch(command, TraceSettings(uri, experiment, parse_pairs(tag, TAG_EXPECTED), children))


def diagnose(
    trace: Annotated[
        str | None,
        typer.Argument(help=TRACE_HELP, metavar="TRACE"),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(help="Diagnose all runs of this MLflow experiment.", metavar="NAME"),
    ] = None,
    log: Annotated[
        bool,
        typer.Option("--log", help="Log findings as MLflow assessments and issues."),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(help="Write the diagnosis of a TRACE as a page, too.", metavar="FILE"),
    ] = None,
    suspects: Annotated[
        bool, typer.Option("--suspects", help="Name the most suspicious steps of a failed run.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Find what went wrong in a trace, who began it, and where.

    Reads nothing but the spans of the trace, and calls no model. The first finding is the origin
    of the failure; the others follow from it, or happened later. `last` is the newest trace at
    MLFLOW_TRACKING_URI. A trace without findings may lack what would show a failure: see "lacks".
    --suspects names steps in any run, so it does not change the exit code.

    Exit codes: 0 nothing found; 1 findings; 2 a trace cannot be read.
    """
    if (trace is None) == (experiment is None):
        raise typer.BadParameter("expected either a TRACE or --experiment NAME")
    if trace is None and (html is not None or suspects):
        option = "--suspects" if html is None else "--html"
        raise typer.BadParameter(f"{option} is for one TRACE, not for --experiment")
    if experiment is not None:
        found = _diagnose_experiment(experiment, log, as_json)
    else:
        found = _diagnose_traces(str(trace), log, html, suspects, as_json)
    raise typer.Exit(1 if found else 0)


def _diagnose_traces(
    argument: str, log: bool, html: Path | None, suspects: bool, as_json: bool
) -> bool:
    """Diagnose the traces that an argument names; returns whether anything was found."""
    with store_access():
        traces = load_trace_argument(argument, tracking_uri())
        diagnoses = [diagnose_trace(one) for one in traces]
        if log:
            from scenarios.traces.diagnoses import log_findings

            for one, diagnosis in zip(traces, diagnoses, strict=True):
                log_findings(one, diagnosis, tracking_uri())
        diagnosed = list(zip(traces, diagnoses, strict=True))
        is_stored = not Path(argument).is_file()
        if html is not None:
            _write_pages(html, is_stored, diagnosed)
        links = [link_spans(one, tracking_uri()) if is_stored else None for one in traces]
        reports = [render_diagnosis(*one, link) for one, link in zip(diagnosed, links, strict=True)]
    ranked = [_name_suspects(one) if suspects else None for one in traces]
    if as_json:
        print_json_one_or_list(list(map(_to_json, diagnoses, ranked)))
    else:
        for report, suspected in zip(reports, ranked, strict=True):
            print_report(report)
            if suspected is not None:
                print_report(render_suspects(suspected))
    return any(one.findings for one in diagnoses)


def _name_suspects(trace: Trace) -> Sequence[Suspect]:
    return [one for one in rank_suspects(trace) if one.evidence][:MAX_SUSPECTS]


def _to_json(diagnosis: Diagnosis, suspects: Sequence[Suspect] | None) -> dict[str, Any]:
    named = {} if suspects is None else {"suspects": [one.to_json() for one in suspects]}
    return diagnosis.to_json() | named


def _write_pages(html: Path, is_stored: bool, diagnosed: Sequence[tuple[Trace, Diagnosis]]) -> None:
    """Write a page per trace; one from the store has links to MLflow's pages."""
    from scenarios.reports.diagnosis_page import write_diagnosis_pages

    link = partial(link_spans, tracking_uri=tracking_uri()) if is_stored else None
    for file in write_diagnosis_pages(html, diagnosed, trace_url if is_stored else None, link):
        typer.echo(f"wrote {file}", err=True)


def _diagnose_experiment(name: str, log: bool, as_json: bool) -> bool:
    """Diagnose an experiment with a progress bar; returns whether anything was found."""
    from rich.progress import track

    with store_access():
        from scenarios.traces.diagnoses.experiment_diagnosis import ExperimentDiagnosis

        store = require_existing(tracking_uri())
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
        print_json({"experiment": name, "runs": [run.to_json() for run in runs]})
    else:
        print_report(render_experiment(name, runs))
    if any(run.problem for run in runs):
        raise typer.Exit(2)
    return any(run.findings for run in runs)
