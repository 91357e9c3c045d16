"""The commands that look into a store: whether something alarms, and what was searched for."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from instrumentation.alerts.alert_rules_file import DEFAULT_ALERT_RULES, load_alert_rules
from instrumentation.alerts.trace_window import PAGE_SIZE, TraceCounts
from scenarios.cli.interrupts import exit_on_interrupt
from scenarios.cli.quiet_frameworks import quiet_frameworks
from scenarios.cli.scenario_commands import JsonOption
from scenarios.cli.webhook import WebhookDeliveryError, post_webhook, webhook_origin
from scenarios.reports import terminal_report
from scenarios.trace_store.alert_gate import (
    NO_ALERTS,
    render_gate,
    run_alert_gate,
    webhook_payload,
)
from scenarios.trace_store.saved_queries import find_query
from scenarios.trace_store.search import TraceSearch
from scenarios.trace_store.search_table import render_queries, render_rows
from scenarios.trace_store.store_errors import translate_store_errors
from scenarios.trace_store.time_window import InvalidTimeError, parse_since
from scenarios.trace_store.tracking_uri import require_reachable, tracking_uri

WEBHOOK_FAILED = 3
PROGRESS_INTERVAL = 1000
"""After how many traces a line says how far it is."""

SinceOption = Annotated[
    str, typer.Option(help="From when on: 30m, 1h, 2d, 2026-11-21, 2026-11-21T10:00.")
]
ExperimentOption = Annotated[str, typer.Option(help="Look at the experiment of this name alone.")]


def alerts(
    since: SinceOption = "1h",
    table: Annotated[
        Path | None,
        typer.Option(help="A table of your own, a TOML file, in place of the house's."),
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(help="POST what is not quiet to this address, as JSON.")
    ] = None,
    experiment: ExperimentOption = "",
    as_json: JsonOption = False,
) -> None:
    """Hold a store's traces against a table of alerts.

    A gate for a CI, over the traces that have ended. Exit codes: 0 all is quiet; 1 something
    alarms; 2 something could not be judged, as when there is no trace; 3 the webhook could not be
    told.
    """
    chosen, began = load_alert_rules(table) if table else DEFAULT_ALERT_RULES, _parse_since(since)
    try:
        _ = webhook_origin(webhook) if webhook else None
    except WebhookDeliveryError as error:
        raise typer.BadParameter(str(error)) from error
    with quiet_frameworks(), exit_on_interrupt(), translate_store_errors():
        gate = run_alert_gate(
            chosen, require_reachable(tracking_uri()), began, experiment, _report_progress
        )
    if as_json:
        typer.echo(json.dumps(gate.to_json(), indent=2, ensure_ascii=False))
    else:
        terminal_report.print_report(render_gate(gate))
    if webhook and gate.exit_code != NO_ALERTS:
        from instrumentation.redaction.redaction import DEFAULT_REDACTION  # brings OpenTelemetry

        try:
            with quiet_frameworks():
                post_webhook(webhook, DEFAULT_REDACTION.redact_value(webhook_payload(gate)))
        except WebhookDeliveryError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(WEBHOOK_FAILED) from error
    raise typer.Exit(gate.exit_code)


def search(
    query: Annotated[
        str, typer.Argument(help="A saved query; without one, they are listed.", metavar="[QUERY]")
    ] = "",
    word: Annotated[
        str, typer.Argument(help="What it takes: a NAME, SECONDS, a TEXT.", metavar="[WORD]")
    ] = "",
    since: SinceOption = "1d",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="As many rows at most.")] = 20,
    experiment: ExperimentOption = "",
    as_json: JsonOption = False,
) -> None:
    """Find traces in a store, by a saved query.

    Above them stands the call of mlflow.search_traces that asks the same. A NAME may hold anything;
    one that begins with a dash stands behind `--`.
    """
    if not query:
        terminal_report.print_report(render_queries())
        return
    chosen, began = find_query(query), _parse_since(since)
    _ = chosen.build_filter(word)  # what was said amiss is told before anything is loaded
    with quiet_frameworks(), exit_on_interrupt(), translate_store_errors():
        asked = TraceSearch(chosen, word, began, require_reachable(tracking_uri()), experiment)
        rows = list(asked.find_rows(limit))
        hint = "" if rows or as_json else asked.suggest()
    if as_json:
        told = {"filter_string": asked.filter, "traces": [row.to_json() for row in rows]}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    typer.echo(str(asked), err=True)
    terminal_report.print_report(render_rows(rows, began, hint))


def _parse_since(text: str) -> datetime:
    try:
        return parse_since(text)
    except InvalidTimeError as error:
        raise typer.BadParameter(f"--since: {error}") from error


def _report_progress(tally: TraceCounts) -> None:
    if tally.finished and tally.finished % PROGRESS_INTERVAL < PAGE_SIZE:
        typer.echo(f"read {tally.finished:,} traces …", err=True)
