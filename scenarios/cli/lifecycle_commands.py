"""The command that evaluates the runs of the lessons."""

import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from scenarios.cli.exits import exit_on_interrupt
from scenarios.cli.startup import quiet_frameworks
from scenarios.trace_store.tracking_uri import (
    require_reachable,
    tracking_uri,
    translate_store_errors,
)
from workflows.model import Model


def evaluate(
    live: Annotated[
        bool,
        typer.Option("--live", help="Judge with MODEL_NAME at OPENAI_BASE_URL, not a tape."),
    ] = False,
) -> None:
    """Evaluate the lessons' tasks, broken against fixed.

    Runs six tasks of the review flow, the crew and the search agent, broken and fixed, merges them
    into a dataset, and scores them with judges, MLflow's scorers, expectations and the diagnosis.
    The judges' answers come from a tape. Prints how often each scorer passes, whether the
    difference is significant, and how far each judge agrees with the expectations, in Markdown.
    """
    judge = Model.from_environment() if live else None
    store = require_reachable(tracking_uri())
    typer.echo("running the tasks and their evaluation; this takes a minute …", err=True)
    with (
        quiet_frameworks(),
        exit_on_interrupt(),
        translate_store_errors(),
        redirect_stdout(sys.stderr),  # MLflow prints its progress
    ):
        from scenarios.lifecycle.evaluate_tasks import evaluate_tasks  # imports MLflow: seconds
        from scenarios.lifecycle.evaluation_report import render_evaluation

        report = render_evaluation(evaluate_tasks(store, judge))
    typer.echo(report)
