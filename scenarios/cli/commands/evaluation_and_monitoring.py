"""The commands that score traces: `evaluate` those of the lessons, `monitor` those of a store."""

import json
import sys
import time
from contextlib import redirect_stdout
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from instrumentation.alerts.alert_rules_file import DEFAULT_ALERT_RULES, load_alert_rules
from scenarios.cli.commands.store import (
    AlertRulesOption,
    ExperimentOption,
    WebhookDeliveryError,
    check_webhook_option,
    post_webhook,
)
from scenarios.cli.exits import exit_on_interrupt
from scenarios.cli.options import JsonOption
from scenarios.cli.startup import quiet_frameworks
from scenarios.monitoring.alert_gate import webhook_payload
from scenarios.traces.store.time_window import InvalidTimeError, parse_duration
from scenarios.traces.store.tracking_uri import (
    StoreUnavailableError,
    require_reachable,
    tracking_uri,
    translate_store_errors,
)
from workflows.model import Model

if TYPE_CHECKING:
    from scenarios.monitoring import Monitor, MonitorPass


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
        from scenarios.evaluation.evaluate_tasks import evaluate_tasks  # imports MLflow: seconds
        from scenarios.evaluation.evaluation_report import render_evaluation

        report = render_evaluation(evaluate_tasks(store, judge))
    typer.echo(report)


def _parse_duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except InvalidTimeError as error:
        raise typer.BadParameter(str(error)) from error


def monitor(
    every: Annotated[
        timedelta,
        typer.Option(
            parser=_parse_duration, help="Time between two passes: 30s, 5m, 1h.", metavar="TIME"
        ),
    ] = "5m",  # type: ignore[assignment]  # typer parses the default, too
    window: Annotated[
        timedelta,
        typer.Option(parser=_parse_duration, help="How far back alert rules look.", metavar="TIME"),
    ] = "1h",  # type: ignore[assignment]
    sample: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the traces to score.", metavar="SHARE"),
    ] = 1.0,
    expect: Annotated[
        Path | None,
        typer.Option(help="Python file of expectations to score, too.", metavar="FILE"),
    ] = None,
    table: AlertRulesOption = None,
    webhook: Annotated[
        str | None,
        typer.Option(help="POST to this URL when alerts begin or end.", metavar="URL"),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Serve metrics for Prometheus here.", metavar="PORT"),
    ] = None,
    experiment: ExperimentOption = "",
    scenarios: Annotated[
        bool, typer.Option("--scenarios", help="Watch runs of scenarios, too.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="End after one pass, e.g. for cron.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Watch stored traces: scores, alerts and metrics.

    Each pass reads the finished traces of the window. New ones are counted in the metrics; of a
    sample, the diagnosis and the expectations of FILE are logged as MLflow assessments. Metrics go
    over OTLP if OTEL_EXPORTER_OTLP_METRICS_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT is set. Ctrl-C
    ends it.

    Exit codes of --once: as of `alerts`, 0 no alerts; 1 alert firing; 2 could not evaluate.
    """
    rules = load_alert_rules(table) if table else DEFAULT_ALERT_RULES
    check_webhook_option(webhook)
    with quiet_frameworks(), exit_on_interrupt("stopped"):
        from instrumentation.export.trace_metrics import TraceMetrics
        from scenarios.monitoring import Monitor
        from scenarios.monitoring.metric_export import metric_export
        from scenarios.testing.expectations_file import load_expectations

        expectations = load_expectations(expect) if expect else ()
        with metric_export(metrics_port) as provider:
            with translate_store_errors():
                store = require_reachable(tracking_uri())
            watcher = Monitor(
                store,
                rules,
                TraceMetrics(provider),
                window=window,
                sample=sample,
                expectations=expectations,
                experiment=experiment,
                with_scenarios=scenarios,
            )
            if once:
                seen = _run_pass(watcher, as_json)
                _notify(webhook, seen, frozenset())
                raise typer.Exit(seen.gate.exit_code)
            _watch(watcher, every, webhook, as_json)


def _watch(watcher: "Monitor", every: timedelta, webhook: str | None, as_json: bool) -> None:
    """Run passes until the process is interrupted. A store that is away is tried again."""
    firing: frozenset[str] = frozenset()
    while True:
        started_s = time.monotonic()
        try:
            seen = _run_pass(watcher, as_json)
        except StoreUnavailableError as error:
            typer.echo(f"{_clock()} {error}; next pass in {every}", err=True)
        else:
            _notify(webhook, seen, firing)
            firing = seen.firing
        time.sleep(max(0.0, every.total_seconds() - (time.monotonic() - started_s)))


def _run_pass(watcher: "Monitor", as_json: bool) -> "MonitorPass":
    with translate_store_errors():
        seen = watcher.run_pass()
    typer.echo(json.dumps(seen.to_json()) if as_json else f"{_clock()} {seen.summary()}")
    return seen


def _notify(webhook: str | None, seen: "MonitorPass", before: frozenset[str]) -> None:
    """Call the webhook if other alerts are firing than in the pass before."""
    if not webhook or seen.firing == before:
        return
    from instrumentation.redaction.redaction import DEFAULT_REDACTION  # imports OpenTelemetry

    try:
        post_webhook(webhook, DEFAULT_REDACTION.redact_value(webhook_payload(seen.gate)))
    except WebhookDeliveryError as error:
        typer.echo(f"error: {error}", err=True)


def _clock() -> str:
    return f"{datetime.now():%H:%M:%S}"
