"""The commands that read stored traces: alerts and search."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from instrumentation.alerts.alert_rules_file import DEFAULT_ALERT_RULES, load_alert_rules
from instrumentation.alerts.trace_window import PAGE_SIZE, TraceCounts
from scenarios.cli.interrupts import exit_on_interrupt
from scenarios.cli.options import JsonOption
from scenarios.cli.quiet_frameworks import quiet_frameworks
from scenarios.cli.webhook import WebhookDeliveryError, post_webhook, webhook_origin
from scenarios.reports.terminal_report import print_report
from scenarios.trace_store.alert_gate import (
    NO_ALERTS,
    render_gate,
    run_alert_gate,
    webhook_payload,
)
from scenarios.trace_store.saved_queries import find_query
from scenarios.trace_store.search import TraceSearch
from scenarios.trace_store.search_results import render_queries, render_rows
from scenarios.trace_store.store_errors import translate_store_errors
from scenarios.trace_store.time_window import InvalidTimeError, parse_since
from scenarios.trace_store.tracking_uri import require_reachable, tracking_uri

WEBHOOK_FAILED = 3
"""Exit code of `alerts` if the webhook could not be called."""
PROGRESS_INTERVAL = 1000
"""Number of traces between two progress lines."""

SinceOption = Annotated[
    str, typer.Option(help="Start: 30m, 1h, 2d, or a date (and time).", metavar="TIME")
]
ExperimentOption = Annotated[
    str, typer.Option(help="Restrict to this MLflow experiment.", metavar="NAME")
]


def alerts(
    since: SinceOption = "1h",
    table: Annotated[
        Path | None,
        typer.Option(help="TOML file of alert rules, replacing the defaults.", metavar="FILE"),
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(help="POST firing alerts to this URL as JSON.", metavar="URL"),
    ] = None,
    experiment: ExperimentOption = "",
    scenarios: Annotated[
        bool, typer.Option("--scenarios", help="Evaluate runs of scenarios, too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check stored traces against alert rules.

    Made for CI. Checks all finished traces of the time window. Exit codes: 0 no alerts; 1 alert
    firing; 2 could not evaluate, e.g. without any trace; 3 webhook delivery failed.
    """
    rules = load_alert_rules(table) if table else DEFAULT_ALERT_RULES
    start = _parse_since(since)
    if webhook:
        try:
            webhook_origin(webhook)
        except WebhookDeliveryError as error:
            raise typer.BadParameter(str(error)) from error
    with quiet_frameworks(), exit_on_interrupt(), translate_store_errors():
        store = require_reachable(tracking_uri())
        gate = run_alert_gate(
            rules, store, start, experiment, _report_progress, with_scenarios=scenarios
        )
    if as_json:
        typer.echo(json.dumps(gate.to_json(), indent=2, ensure_ascii=False))
    else:
        print_report(render_gate(gate))
    if webhook and gate.exit_code != NO_ALERTS:
        from instrumentation.redaction.redaction import DEFAULT_REDACTION  # imports OpenTelemetry

        try:
            with quiet_frameworks():
                post_webhook(webhook, DEFAULT_REDACTION.redact_value(webhook_payload(gate)))
        except WebhookDeliveryError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(WEBHOOK_FAILED) from error
    raise typer.Exit(gate.exit_code)


def search(
    query: Annotated[
        str,
        typer.Argument(help="Saved query (default: list all saved queries).", metavar="QUERY"),
    ] = "",
    word: Annotated[
        str,
        typer.Argument(help="Its value: a name, a number of seconds or a text.", metavar="VALUE"),
    ] = "",
    since: SinceOption = "1d",
    limit: Annotated[
        int, typer.Option(min=1, max=1000, help="Maximum number of rows.", metavar="NUMBER")
    ] = 20,
    experiment: ExperimentOption = "",
    as_json: JsonOption = False,
) -> None:
    """Find stored traces with a saved query.

    The equivalent mlflow.search_traces() call is printed first. Put `--` before a value that
    begins with a dash.
    """
    if not query:
        print_report(render_queries())
        return
    saved_query, start = find_query(query), _parse_since(since)
    saved_query.build_filter(word)  # reports a wrong value before MLflow is imported
    with quiet_frameworks(), exit_on_interrupt(), translate_store_errors():
        store = require_reachable(tracking_uri())
        found = TraceSearch(saved_query, word, start, store, experiment)
        rows = list(found.find_rows(limit))
        suggestion = "" if rows or as_json else found.suggest()
    if as_json:
        result = {"filter_string": found.filter, "traces": [row.to_json() for row in rows]}
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
        return
    typer.echo(str(found), err=True)
    print_report(render_rows(rows, start, suggestion))


def _parse_since(text: str) -> datetime:
    try:
        return parse_since(text)
    except InvalidTimeError as error:
        raise typer.BadParameter(f"--since: {error}") from error


def _report_progress(counts: TraceCounts) -> None:
    if counts.finished and counts.finished % PROGRESS_INTERVAL < PAGE_SIZE:
        typer.echo(f"read {counts.finished:,} traces …", err=True)
