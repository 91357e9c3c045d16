"""The command that makes a dataset of the runs that people rated low."""

import json
import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from scenarios.cli.exits import exit_on_interrupt
from scenarios.cli.options import JsonOption
from scenarios.cli.startup import quiet_frameworks
from scenarios.trace_store.tracking_uri import (
    require_existing,
    tracking_uri,
    translate_store_errors,
)


def dataset(
    from_feedback: Annotated[
        str,
        typer.Option(help="MLflow experiment whose low-rated runs to add.", metavar="EXPERIMENT"),
    ],
    name: Annotated[
        str, typer.Option(help="MLflow dataset; created if needed.", metavar="NAME")
    ] = "low-rated runs",
    review: Annotated[
        bool,
        typer.Option("--review", help="Queue the runs that no person has labelled for review."),
    ] = False,
    expert: Annotated[
        list[str] | None,
        typer.Option(help="User who reviews them (repeatable).", metavar="USER"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a dataset of the runs that people rated low.

    A rating is a feedback of a person: a thumb or stars; the last one of each person counts. A
    record has the run's input and its labels, the expectations that were logged on its trace,
    without personal data, and the ids of its traces. Equal inputs are one record; what the dataset
    has already is not added again. --review opens a queue in MLflow's pages, where experts say what
    would have been right.
    """
    with (
        quiet_frameworks(),
        exit_on_interrupt("stopped"),
        translate_store_errors(),
        redirect_stdout(sys.stderr),
    ):
        from scenarios.lifecycle.feedback_report import update_from_feedback

        update = update_from_feedback(
            require_existing(tracking_uri()),
            from_feedback,
            name,
            experts=expert or (),
            with_review=review or bool(expert),
        )
    if as_json:
        typer.echo(json.dumps(update.to_json(), indent=2, ensure_ascii=False))
    else:
        for line in update.describe():
            typer.echo(line)
