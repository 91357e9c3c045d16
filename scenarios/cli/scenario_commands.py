"""The commands that read and play what the catalog holds; none of them asks a real model."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from instrumentation.tracing_patches import all_patches
from scenarios.cli.interrupts import exit_on_interrupt
from scenarios.cli.quiet_frameworks import quiet_frameworks
from scenarios.player.accept import accept as accepted
from scenarios.player.accept import find_stale_files, write_pages
from scenarios.player.check import TraceSource
from scenarios.player.check import check_scenario as checked
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from scenarios.reports import terminal_report
from scenarios.trace_store.store_errors import translate_store_errors
from scenarios.trace_store.tracking_uri import require_reachable, tracking_uri

ScenarioArgument = Annotated[
    str, typer.Argument(help="A scenario, as `list` names it.", metavar="NAME")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def list_scenarios(as_json: JsonOption = False) -> None:
    """List the scenarios, each with the failure that it plays."""
    pages = [load_scenario(name) for name in scenario_names()]
    if as_json:
        told = [
            {"scenario": page.name, "title": page.title, "mode": page.failure_mode}
            for page in pages
        ]
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    width = max(map(len, scenario_names()), default=0)
    for page in pages:
        typer.echo(f"{page.name:<{width}}  {page.title}")


def run(
    name: ScenarioArgument,
    as_json: JsonOption = False,
    tolerant: Annotated[
        bool, typer.Option(help="Serve a changed request all the same, and report it as drift.")
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(help="Draw its inputs: a failure that is real hangs on no figure."),
    ] = None,
) -> None:
    """Play a scenario offline, broken and fixed, and judge the traces that it leaves.

    Without --seed its inputs are the published ones, and the outlines are held against the goldens.
    Writes the traces to MLFLOW_TRACKING_URI (by default sqlite:///mlflow.db).
    """
    page, store = load_scenario(name), require_reachable(tracking_uri())
    variants = ", ".join(variant for variant, _, _ in page.variants())
    typer.echo(f"playing {name}: {variants} …", err=True)
    with quiet_frameworks(), exit_on_interrupt(), translate_store_errors():
        from scenarios.player.run import (
            run_scenario,  # brings MLflow, which the other commands do without
        )

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
        typer.echo(json.dumps(verdict.to_json(), indent=2, ensure_ascii=False))
    else:
        terminal_report.print_report(terminal_report.render_verdict(page, verdict))
    raise typer.Exit(0 if verdict.passed else 1)


def check(
    name: Annotated[
        str | None, typer.Argument(help="A scenario; without it, all of them.", metavar="NAME")
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(
            help="An exported or recorded trace (a JSON file), or the id of an MLflow trace."
        ),
    ] = None,
    session: Annotated[
        str | None, typer.Option(help="The name of a session in MLflow: all of its turns.")
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="Whose expectations; by default of each variant recorded.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a scenario's expectations against recorded traces; nothing is run.

    By default the traces are those committed beside the scenario. With --trace it is one of your
    own, held against what the fixed variant expects, unless --variant names another; with --session
    it is all the turns of one.
    """
    if trace is not None and session is not None:
        raise typer.BadParameter("--trace is one trace, --session is many: name one of them")
    if (trace or session is not None) and not name:
        given = "--trace" if trace else "--session"
        raise typer.BadParameter(f"{given} needs the NAME of the scenario that it is held against")
    recording = TraceSource(trace, variant, tracking_uri(), session)
    with translate_store_errors():
        results = [checked(one, recording) for one in ([name] if name else scenario_names())]
    if as_json:
        told = [result.to_json() for result in results]
        typer.echo(json.dumps(told[0] if name else told, indent=2, ensure_ascii=False))
    else:
        for result in results:
            terminal_report.print_report(terminal_report.render_check(result))
    raise typer.Exit(0 if all(result.passed for result in results) else 1)


def accept(
    wanted: Annotated[
        list[str] | None, typer.Argument(help="Scenarios; without one, all.", metavar="[NAME]…")
    ] = None,
    pages_only: Annotated[
        bool, typer.Option("--pages", help="Play nothing: write the produced pages alone.")
    ] = False,
    dry: Annotated[
        bool, typer.Option("--check", help="Write nothing: say which pages are not current.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make what is seen the golden: read `run`'s outline first, it is what you accept.

    Plays the scenarios as `run` does, and writes recorded traces, goldens and the pages produced
    from them. A run whose expectations do not hold is not accepted.
    """
    for name in wanted or ():
        scenario_folder(name)  # an unknown name is an error, whatever else is asked
    changed = (
        list(find_stale_files())
        if dry
        else _accept_scenarios([] if pages_only else wanted or scenario_names())
    )
    told = [os.path.relpath(path) for path in changed]
    if as_json:
        typer.echo(json.dumps({"not_current" if dry else "written": told}, indent=2))
    else:
        typer.echo("\n".join(told) or "all is current")
    raise typer.Exit(1 if dry and changed else 0)


def patches(as_json: JsonOption = False) -> None:
    """List the patches, and for each whether it is for the versions installed here, or why not."""
    told = [
        {"patch": patch.name, "why_not": patch.skip_reason(), "symptom": patch.symptom}
        for patch in all_patches()
    ]
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for patch in told:
        typer.echo(f"{patch['patch']:<22}{patch['why_not'] or 'applied'}")


def _accept_scenarios(wanted: Iterable[str]) -> list[Path]:
    """Play and accept; then the pages, which show what was accepted."""
    changed: list[Path] = []
    for name in wanted:
        typer.echo(f"playing {name} …", err=True)
        with quiet_frameworks(), exit_on_interrupt():
            from scenarios.player.run import run_scenario

            changed += accepted(run_scenario(name, require_reachable(tracking_uri())))
    return [*changed, *write_pages()]
