"""The commands that work offline: list, run, check and accept scenarios, and list patches."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from instrumentation.tracing_setup.patches import all_patches
from scenarios.cli.exits import exit_on_interrupt, store_access
from scenarios.cli.options import TRACE_HELP, JsonOption, TolerantOption
from scenarios.cli.output import print_json
from scenarios.cli.startup import quiet_frameworks
from scenarios.player.accept import accept as accept_verdict
from scenarios.player.accept import find_stale_files, write_pages
from scenarios.player.check_scenario import TraceSource, check_scenario
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from scenarios.reports import terminal_report
from scenarios.testing.expectations_file import check_expectations_file
from scenarios.traces.store.tracking_uri import (
    require_reachable,
    tracking_uri,
    translate_store_errors,
)


def list_scenarios(as_json: JsonOption = False) -> None:
    """List the scenarios with the failure that each shows."""
    scenarios = [load_scenario(name) for name in scenario_names()]
    if as_json:
        entries = [
            {"scenario": one.name, "title": one.title, "mode": one.failure_mode}
            for one in scenarios
        ]
        print_json(entries)
        return
    width = max((len(one.name) for one in scenarios), default=0)
    for one in scenarios:
        typer.echo(f"{one.name:<{width}}  {one.title}")


def run(
    name: Annotated[
        str, typer.Argument(help="Name of a scenario, as `list` prints it.", metavar="NAME")
    ],
    as_json: JsonOption = False,
    tolerant: TolerantOption = False,
    seed: Annotated[
        int | None, typer.Option(help="Draw random inputs from this seed.", metavar="NUMBER")
    ] = None,
) -> None:
    """Run a scenario offline and evaluate its traces.

    Runs each variant (broken, fixed, twin) on the scenario's tape. Without --seed, the inputs are
    the published ones, and the outline of each trace is compared with its golden. With --seed, the
    inputs are random; the failure must not depend on them.

    The traces are stored at MLFLOW_TRACKING_URI (default: sqlite:///mlflow.db).
    """
    scenario, store = load_scenario(name), require_reachable(tracking_uri())
    variants = ", ".join(variant for variant, _, _ in scenario.variants())
    typer.echo(f"running {name}: {variants} …", err=True)
    with store_access():
        from scenarios.player.run import run_scenario  # imports MLflow: seconds

        verdict = run_scenario(
            name,
            store,
            strict=not tolerant,
            seed=seed,
            on_exchange=lambda variant, exchange: typer.echo(
                terminal_report.format_progress(variant, exchange), err=True
            ),
        )
    if as_json:
        print_json(verdict.to_json())
    else:
        terminal_report.print_report(terminal_report.render_verdict(scenario, verdict))
    raise typer.Exit(0 if verdict.passed else 1)


def check(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of a scenario (default: all), or a trace for --expect.", metavar="NAME"
        ),
    ] = None,
    expect: Annotated[
        Path | None,
        typer.Option(help="Python file with a list EXPECTATIONS to check.", metavar="FILE"),
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(help=TRACE_HELP, metavar="FILE|ID"),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option(help="MLflow session to check, with all its turns.", metavar="ID"),
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option(help="Variant to check (default: all recorded).", metavar="VARIANT"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a scenario's expectations on existing traces.

    By default, checks the traces recorded beside the scenario. --trace and --session check your
    own traces against the expectations of the fixed variant, or of the one that --variant names.

    With --expect, NAME is a trace: a JSON file (MLflow's or OTLP's), the ID of an MLflow trace or
    of a run, or last.

    Example: python -m scenarios check trace.json --expect my_expectations.py
    """
    if trace is not None and session is not None:
        raise typer.BadParameter("--trace and --session exclude each other; use one of them")
    if expect and (trace is not None or variant is not None or (name is None) == (session is None)):
        raise typer.BadParameter("--expect goes with one trace: a file, an ID, or --session")
    if (trace or session is not None) and not (name or expect):
        option = "--trace" if trace else "--session"
        raise typer.BadParameter(f"{option} needs the NAME of a scenario to check against")
    source = TraceSource(name if expect else trace, variant, tracking_uri(), session)
    with translate_store_errors():
        if expect:
            verdicts = [check_expectations_file(source, expect)]
        else:
            names = [name] if name else scenario_names()
            verdicts = [check_scenario(one, source) for one in names]
    if as_json:
        results = [verdict.to_json() for verdict in verdicts]
        print_json(results[0] if name or expect else results)
    else:
        for verdict in verdicts:
            terminal_report.print_report(terminal_report.render_check(verdict))
    raise typer.Exit(0 if all(verdict.passed for verdict in verdicts) else 1)


def accept(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of scenarios (default: all).", metavar="NAME", show_default=False
        ),
    ] = None,
    pages_only: Annotated[
        bool, typer.Option("--pages", help="Run nothing; only regenerate the pages.")
    ] = False,
    dry: Annotated[
        bool, typer.Option("--check", help="Write nothing; list generated files that are stale.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Update the golden files. Review the output of `run` first.

    Runs the scenarios as `run` does, and writes recorded traces, goldens and generated pages. A
    run with failed expectations is rejected.
    """
    for name in names or ():
        scenario_folder(name)  # reports an unknown name before anything runs
    if dry:
        changed = list(find_stale_files())
    else:
        changed = _accept_scenarios([] if pages_only else names or scenario_names())
    paths = [os.path.relpath(path) for path in changed]
    if as_json:
        print_json({"not_current" if dry else "written": paths})
    else:
        typer.echo("\n".join(paths) or "everything is up to date")
    raise typer.Exit(1 if dry and changed else 0)


def patches(as_json: JsonOption = False) -> None:
    """List the patches, and which of them are needed here."""
    entries = [
        {"patch": patch.name, "skip_reason": patch.skip_reason(), "symptom": patch.symptom}
        for patch in all_patches()
    ]
    if as_json:
        print_json(entries)
        return
    width = max(len(str(entry["patch"])) for entry in entries)
    for entry in entries:
        typer.echo(f"{entry['patch']:<{width}}  {entry['skip_reason'] or 'applied'}")


def _accept_scenarios(names: Iterable[str]) -> list[Path]:
    """Run and accept each scenario, then write the pages that show them; returns changed files."""
    changed: list[Path] = []
    for name in names:
        typer.echo(f"running {name} …", err=True)
        with quiet_frameworks(), exit_on_interrupt():
            from scenarios.player.run import run_scenario

            changed += accept_verdict(run_scenario(name, require_reachable(tracking_uri())))
    return [*changed, *write_pages()]
