"""The commands that look into a store: whether something alarms, and what was searched for."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from instrumentation.alerts.alert_rules_file import HOUSE, read
from instrumentation.alerts.trace_window import PAGE, Tally
from scenarios.cli.interrupts import stoppable
from scenarios.cli.quiet_frameworks import quieted
from scenarios.cli.scenario_commands import AsJson
from scenarios.cli.webhook import NotTold, place, post
from scenarios.reports import terminal_report
from scenarios.trace_store.alert_gate import QUIET, held, payload, shown
from scenarios.trace_store.saved_queries import named
from scenarios.trace_store.search import Search
from scenarios.trace_store.search_table import listed, tabled
from scenarios.trace_store.store_errors import answering
from scenarios.trace_store.time_window import NoMoment, moment
from scenarios.trace_store.tracking_uri import reachable, tracking_uri

NOT_TOLD = 3
EVERY = 1000
"""After how many traces a line says how far it is."""

Since = Annotated[
    str, typer.Option(help="From when on: 30m, 1h, 2d, 2026-11-21, 2026-11-21T10:00.")
]
Experiment = Annotated[str, typer.Option(help="Look at the experiment of this name alone.")]


def alerts(
    since: Since = "1h",
    table: Annotated[
        Path | None,
        typer.Option(help="A table of your own, a TOML file, in place of the house's."),
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(help="POST what is not quiet to this address, as JSON.")
    ] = None,
    experiment: Experiment = "",
    as_json: AsJson = False,
) -> None:
    """Hold a store's traces against a table of alerts.

    A gate for a CI, over the traces that have ended. Exit codes: 0 all is quiet; 1 something
    alarms; 2 something could not be judged, as when there is no trace; 3 the webhook could not be
    told.
    """
    chosen, began = read(table) if table else HOUSE, _moment(since)
    try:
        _ = place(webhook) if webhook else None
    except NotTold as error:
        raise typer.BadParameter(str(error)) from error
    with quieted(), stoppable(), answering():
        gate = held(chosen, reachable(tracking_uri()), began, experiment, _progress)
    if as_json:
        typer.echo(json.dumps(gate.to_json(), indent=2, ensure_ascii=False))
    else:
        terminal_report.show(shown(gate))
    if webhook and gate.code != QUIET:
        from instrumentation.redaction.redaction import DEFAULT  # brings OpenTelemetry

        try:
            with quieted():
                post(webhook, DEFAULT.value(payload(gate)))
        except NotTold as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(NOT_TOLD) from error
    raise typer.Exit(gate.code)


def search(
    query: Annotated[
        str, typer.Argument(help="A saved query; without one, they are listed.", metavar="[QUERY]")
    ] = "",
    word: Annotated[
        str, typer.Argument(help="What it takes: a NAME, SECONDS, a TEXT.", metavar="[WORD]")
    ] = "",
    since: Since = "1d",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="As many rows at most.")] = 20,
    experiment: Experiment = "",
    as_json: AsJson = False,
) -> None:
    """Find traces in a store, by a saved query.

    Above them stands the call of mlflow.search_traces that asks the same. A NAME may hold anything;
    one that begins with a dash stands behind `--`.
    """
    if not query:
        terminal_report.show(listed())
        return
    chosen, began = named(query), _moment(since)
    _ = chosen.asks(word)  # what was said amiss is told before anything is loaded
    with quieted(), stoppable(), answering():
        asked = Search(chosen, word, began, reachable(tracking_uri()), experiment)
        rows = list(asked.rows(limit))
        hint = "" if rows or as_json else asked.hint()
    if as_json:
        told = {"filter_string": asked.filter, "traces": [row.to_json() for row in rows]}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    typer.echo(str(asked), err=True)
    terminal_report.show(tabled(rows, began, hint))


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except NoMoment as error:
        raise typer.BadParameter(f"--since: {error}") from error


def _progress(tally: Tally) -> None:
    if tally.finished and tally.finished % EVERY < PAGE:
        typer.echo(f"read {tally.finished:,} traces …", err=True)
