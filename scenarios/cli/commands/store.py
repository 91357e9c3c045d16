"""The commands `alerts` and `search`, which read stored traces."""

from datetime import datetime
from typing import Annotated

import typer

from instrumentation.alerts.alert_rule import DEFAULT_ALERT_RULES
from instrumentation.alerts.alert_rules_file import load_alert_rules
from instrumentation.alerts.trace_window import PAGE_SIZE, TraceCounts
from scenarios.cli.exits import store_access
from scenarios.cli.options import (
    AlertRulesOption,
    ExperimentOption,
    JsonOption,
    WebhookOption,
    WithScenariosOption,
)
from scenarios.cli.output import print_json
from scenarios.cli.startup import quiet_frameworks
from scenarios.monitoring.alert_gate import NO_ALERTS, render_gate, run_alert_gate
from scenarios.monitoring.webhook import WebhookDeliveryError, post_alerts
from scenarios.reports.terminal_report import print_report
from scenarios.traces.store.saved_queries import find_query
from scenarios.traces.store.saved_query_search import SavedQuerySearch
from scenarios.traces.store.search_results import list_queries, render_queries, render_rows
from scenarios.traces.store.time_window import parse_since
from scenarios.traces.store.tracking_uri import require_existing, tracking_uri

WEBHOOK_FAILED_EXIT_CODE = 3
"""Exit code of `alerts` if the webhook could not be called."""
PROGRESS_INTERVAL = 1000
"""Number of traces between two progress lines."""

SinceOption = Annotated[
    datetime,
    typer.Option(
        parser=parse_since, help="Start: 30m, 1h, 2d, or a date (and time).", metavar="TIME"
    ),
]


def alerts(
    since: SinceOption = "1h",  # type: ignore[assignment]  # typer parses the default, too
    table: AlertRulesOption = None,
    webhook: WebhookOption = None,
    experiment: ExperimentOption = "",
    scenarios: WithScenariosOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check stored traces against alert rules.

    Made for CI. Checks all finished traces of the time window. Exit codes: 0 no alerts; 1 alert
    firing; 2 could not evaluate, e.g. without any trace; 3 webhook delivery failed.
    """
    rules = load_alert_rules(table) if table else DEFAULT_ALERT_RULES
    with store_access():
        store = require_existing(tracking_uri())
        gate = run_alert_gate(
            rules, store, since, experiment, _report_progress, with_scenarios=scenarios
        )
    if as_json:
        print_json(gate.to_json())
    else:
        print_report(render_gate(gate))
    if webhook and gate.exit_code != NO_ALERTS:
        try:
            with quiet_frameworks():
                post_alerts(webhook, gate)
        except WebhookDeliveryError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(WEBHOOK_FAILED_EXIT_CODE) from error
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
    since: SinceOption = "1d",  # type: ignore[assignment]
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
        if as_json:
            print_json({"queries": list_queries()})
        else:
            print_report(render_queries())
        return
    saved_query = find_query(query)
    saved_query.build_filter(word)  # reports a wrong value before MLflow is imported
    with store_access():
        store = require_existing(tracking_uri())
        found = SavedQuerySearch(saved_query, word, since, store, experiment)
        rows = list(found.find_rows(limit))
        suggestion = "" if rows or as_json else found.suggest_name_or_window()
    if as_json:
        traces = [row.to_json() for row in rows]
        print_json({"filter_string": found.filter, "traces": traces})
        return
    typer.echo(str(found), err=True)
    print_report(render_rows(rows, since, suggestion))


def _report_progress(counts: TraceCounts) -> None:
    if counts.finished and counts.finished % PROGRESS_INTERVAL < PAGE_SIZE:
        typer.echo(f"read {counts.finished:,} traces …", err=True)
