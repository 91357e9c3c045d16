"""The command that compares the diagnosis with labelled logs of conversations."""

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scenarios.attribution.labelled_logs import (
    SOURCES,
    BenchmarkDataError,
    LabelledLog,
    read_labelled_logs,
)
from scenarios.cli.exits import exit_on_interrupt
from scenarios.cli.options import JsonOption
from scenarios.reports.terminal_report import make_console, print_report


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
    from scenarios.attribution.benchmark import run_benchmark
    from scenarios.attribution.benchmark_report import render_benchmark

    with exit_on_interrupt("stopped"):
        result = run_benchmark(read_labelled_logs(data), half, _track)
    if as_json:
        typer.echo(json.dumps(result.to_json(), indent=2, ensure_ascii=False))
    else:
        print_report(render_benchmark(result))


def _track(logs: Sequence[LabelledLog]) -> Iterable[LabelledLog]:
    from rich.progress import track

    console = make_console(stderr=True)
    return track(logs, description="diagnosing", console=console, transient=True)
