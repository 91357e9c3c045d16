"""The commands that read stored traces: alerts, which may call a webhook, and search."""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import typer

from instrumentation.alerts.alert_rules_file import DEFAULT_ALERT_RULES, load_alert_rules
from instrumentation.alerts.trace_window import PAGE_SIZE, TraceCounts
from scenarios.cli.exits import exit_on_interrupt
from scenarios.cli.options import JsonOption
from scenarios.cli.startup import quiet_frameworks
from scenarios.monitoring.alert_gate import (
    NO_ALERTS,
    render_gate,
    run_alert_gate,
    webhook_payload,
)
from scenarios.reports.terminal_report import print_report
from scenarios.traces.store.saved_queries import find_query
from scenarios.traces.store.search import TraceSearch
from scenarios.traces.store.search_results import render_queries, render_rows
from scenarios.traces.store.time_window import InvalidTimeError, parse_since
from scenarios.traces.store.tracking_uri import (
    require_existing,
    tracking_uri,
    translate_store_errors,
)

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

AlertRulesOption = Annotated[
    Path | None,
    typer.Option(help="TOML file of alert rules, replacing the defaults.", metavar="FILE"),
]
TIMEOUT_S = 10.0
RETRY_DELAYS_S = (0.5, 2.0)
"""The pauses before the second and the third, last, attempt."""
RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which another attempt may succeed."""


def alerts(
    since: SinceOption = "1h",
    table: AlertRulesOption = None,
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
    check_webhook_option(webhook)
    with quiet_frameworks(), exit_on_interrupt(), translate_store_errors():
        store = require_existing(tracking_uri())
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
        store = require_existing(tracking_uri())
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


class WebhookDeliveryError(Exception):
    """A webhook delivery failed. The message omits the URL's path, which may be a secret."""


def check_webhook_option(url: str | None) -> None:
    """Raise a usage error for a webhook that is no URL, before anything else is done."""
    if url:
        try:
            webhook_origin(url)
        except WebhookDeliveryError as error:
            raise typer.BadParameter(str(error)) from error


def post_webhook(
    url: str, payload: Mapping[str, Any], retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S
) -> None:
    """POST `payload` as JSON; retry after connection errors and `RETRYABLE_STATUSES`.

    Raises:
        WebhookDeliveryError: All attempts failed; the message has the reason of the last one.
    """
    origin, reason = webhook_origin(url), ""
    for delay_s in (*retry_delays_s, None):
        try:
            # The response's body is not read, so its size does not matter.
            with httpx.stream("POST", url, json=payload, timeout=TIMEOUT_S) as response:
                status, reason = response.status_code, f"HTTP {response.status_code}"
        except httpx.HTTPError as error:
            status, reason = 0, f"{type(error).__name__}: {error}".rstrip(": ")
        except (httpx.InvalidURL, UnicodeError) as error:  # such as a host name that is too long
            raise WebhookDeliveryError(
                f"delivery to the webhook at {origin} failed: invalid URL: {error}"
            ) from error
        if 200 <= status < 300:
            return
        if status and status not in RETRYABLE_STATUSES:
            break
        if delay_s is not None:
            time.sleep(delay_s)
    raise WebhookDeliveryError(f"delivery to the webhook at {origin} failed: {reason}")


def webhook_origin(url: str) -> str:
    """Return the scheme, host and port of a webhook's URL, without secrets.

    Raises:
        WebhookDeliveryError: It is not an http or https URL.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.scheme}://{parts.hostname}{port}"
    except ValueError:
        pass
    raise WebhookDeliveryError("--webhook needs a URL that begins with http:// or https://")
