"""The commands `governance`, `quality-gate`, `bench-diagnosis` and `diff`, which print reports."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from instrumentation.governance import read_governance
from scenarios.cli.exits import exit_on_interrupt, store_access
from scenarios.cli.options import JsonOption, TraceArgument
from scenarios.cli.output import print_json, print_json_one_or_list
from scenarios.evaluation.diagnosis_benchmark.labelled_logs import (
    SOURCES,
    BenchmarkDataError,
    LabelledLog,
    read_labelled_logs,
)
from scenarios.monitoring.quality_gate.gate_file import load_gate
from scenarios.monitoring.quality_gate.gate_report import render_gate, render_gate_markdown
from scenarios.reports.atomic_write import write_atomically
from scenarios.reports.governance_report import render_governance, render_governance_markdown
from scenarios.reports.terminal_report import make_console, print_report
from scenarios.traces.store.trace_argument import load_trace_argument
from scenarios.traces.store.tracking_uri import require_existing, tracking_uri

RUN_HELP = "Trace or tape (a file), the ID of an MLflow trace or run, or last."


def governance(
    trace: TraceArgument,
    action: Annotated[
        list[str] | None,
        typer.Option(help="Tool that needs an authorization (repeatable).", metavar="TOOL"),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Report what the guardrails of a run checked and blocked.

    Shows for each guardrail its checks, blocks, and highest counts against their limits; for each
    call of a tool with consequences, who authorized it and whether it was made; tokens and cost;
    and how often personal data was removed or sent. Reads nothing but the trace.

    Exit codes: 0 no problems; 1 problems; 2 a trace cannot be read.
    """
    if markdown and as_json:
        raise typer.BadParameter("expected either --markdown or --json")
    with store_access():
        traces = load_trace_argument(trace, tracking_uri())
        reports = [read_governance(one, action or ()) for one in traces]
    if as_json:
        print_json_one_or_list([report.to_json() for report in reports])
    elif markdown:
        typer.echo("\n\n".join(map(render_governance_markdown, reports)))
    else:
        for report in reports:
            print_report(render_governance(report))
    raise typer.Exit(1 if any(report.problems for report in reports) else 0)


def quality_gate(
    gate: Annotated[Path, typer.Argument(help="TOML file of thresholds.", metavar="FILE")] = Path(
        "quality-gate.toml"
    ),
    markdown: Annotated[
        Path | None,
        typer.Option(help="Write a summary for a pull request here.", metavar="FILE"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check stored traces against thresholds, for CI.

    Checks what FILE asks for: scores of an evaluation, findings of the diagnosis, alert rules, and
    tokens and cost. MLflow keeps the evaluation as a run; with MLflow 3.18 it shows the thresholds.

    Exit codes: 0 passed; 1 failed; 2 could not evaluate, e.g. without any trace.
    """
    checked = load_gate(gate)
    with store_access("stopped", redirects_stdout=True):
        from scenarios.monitoring.quality_gate.run_gate import run_gate

        report = run_gate(checked, require_existing(tracking_uri()), lambda _: None)
    if markdown:
        from instrumentation.redaction.redaction import STRICT_REDACTION  # imports OpenTelemetry

        write_atomically(markdown, STRICT_REDACTION.redact_text(render_gate_markdown(report)))
    if as_json:
        print_json(report.to_json())
    else:
        print_report(render_gate(report))
    raise typer.Exit(report.exit_code)


class Half(StrEnum):
    """A half of the logs; which one a log is in, a hash of its id decides."""

    TUNING = "tuning"
    HELD_OUT = "held-out"


def bench_diagnosis(
    data: Annotated[
        Path | None,
        typer.Argument(help="Folder with logs and their labels.", metavar="DATA"),
    ] = None,
    half: Annotated[Half | None, typer.Option(help="Use only one half of the logs.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the diagnosis with labelled logs.

    Measures how often the diagnosis names the labelled agent and step. DATA has logs of
    conversations of the form of Who&When, or of AgentRx with its file of labels. An answer is right
    if it equals the label; no answer is wrong. Naive baselines are measured on the same logs, with
    Wilson's 95% intervals. Findings in logs of runs that succeeded are false alarms.
    """
    if data is None:
        raise BenchmarkDataError(
            f"expected a folder with labelled logs; the project contains none. Get them:\n{SOURCES}"
        )
    from scenarios.evaluation.diagnosis_benchmark.benchmark import run_benchmark
    from scenarios.evaluation.diagnosis_benchmark.benchmark_report import render_benchmark

    with exit_on_interrupt("stopped"):
        result = run_benchmark(read_labelled_logs(data), half, _track)
    if as_json:
        print_json(result.to_json())
    else:
        print_report(render_benchmark(result))


def _track(logs: Sequence[LabelledLog]) -> Iterable[LabelledLog]:
    from rich.progress import track

    console = make_console(stderr=True)
    return track(logs, description="diagnosing", console=console, transient=True)


def diff(
    a: Annotated[str, typer.Argument(help=RUN_HELP, metavar="A")],
    b: Annotated[str, typer.Argument(help="The same, of the other run.", metavar="B")],
    as_json: JsonOption = False,
) -> None:
    """Show where two runs part first, and how.

    Compares the calls of each agent by number, so that the order of parallel agents does not
    matter. Ids, local ports and memory addresses are ignored. Of a trace and a tape, the lanes have
    the tape's names.

    Exit codes: 0 the same; 1 they differ; 2 one cannot be read.
    """
    from scenarios.traces.divergence.divergence_report import comparison_to_json, render_comparison
    from scenarios.traces.divergence.first_divergence import compare_runs
    from scenarios.traces.divergence.run_sources import load_runs

    with store_access("stopped"):
        comparison = compare_runs(*load_runs(a, b, tracking_uri()))
    if as_json:
        print_json(comparison_to_json(comparison))
    else:
        print_report(render_comparison(comparison))
    raise typer.Exit(1 if comparison.divergences else 0)
