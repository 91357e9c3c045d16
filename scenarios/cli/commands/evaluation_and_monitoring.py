"""The commands that score traces: `evaluate` those of the lessons, `monitor` those of a store."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from instrumentation.alerts.alert_rule import DEFAULT_ALERT_RULES
from instrumentation.alerts.alert_rules_file import load_alert_rules
from scenarios.cli.exits import exit_on_interrupt, store_access
from scenarios.cli.options import (
    AlertRulesOption,
    ExperimentOption,
    JsonOption,
    WebhookOption,
    WithScenariosOption,
)
from scenarios.cli.startup import quiet_frameworks
from scenarios.traces.store.time_window import parse_duration
from scenarios.traces.store.tracking_uri import (
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
    with store_access(redirects_stdout=True):
        from scenarios.evaluation.evaluate_tasks import (  # imports MLflow: seconds
            evaluate_tasks,
            render_evaluation,
        )

        report = render_evaluation(evaluate_tasks(store, judge))
    typer.echo(report)


def monitor(
    every: Annotated[
        timedelta,
        typer.Option(
            parser=parse_duration, help="Time between two passes: 30s, 5m, 1h.", metavar="TIME"
        ),
    ] = "5m",  # type: ignore[assignment]  # typer parses the default, too
    window: Annotated[
        timedelta,
        typer.Option(parser=parse_duration, help="How far back alert rules look.", metavar="TIME"),
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
    webhook: WebhookOption = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Serve metrics for Prometheus here.", metavar="PORT"),
    ] = None,
    experiment: ExperimentOption = "",
    scenarios: WithScenariosOption = False,
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
    with quiet_frameworks(), exit_on_interrupt("stopped"):
        from instrumentation.export.trace_metrics import TraceMetrics
        from scenarios.monitoring.metric_export import metric_export
        from scenarios.monitoring.monitor import Monitor
        from scenarios.monitoring.monitor_loop import MonitorLoop
        from scenarios.testing.expectations_file import load_expectations

        expectations = load_expectations(expect) if expect else ()
        with metric_export(metrics_port) as provider:
            with translate_store_errors():
                store = require_reachable(tracking_uri())
            monitor = Monitor(
                store,
                rules,
                TraceMetrics(provider),
                window=window,
                sample=sample,
                expectations=expectations,
                experiment=experiment,
                with_scenarios=scenarios,
            )
            loop = MonitorLoop(monitor, webhook, as_json)
            if once:
                raise typer.Exit(loop.run_pass().gate.exit_code)
            loop.run_passes(every)
