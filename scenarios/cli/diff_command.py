"""`diff`: where two runs part first."""

import json
from typing import Annotated

import typer

from scenarios.cli.interrupts import exit_on_interrupt
from scenarios.cli.options import JsonOption
from scenarios.cli.quiet_frameworks import quiet_frameworks
from scenarios.reports.terminal_report import print_report
from scenarios.trace_store.store_errors import translate_store_errors
from scenarios.trace_store.tracking_uri import tracking_uri

RUN_HELP = "Trace or tape (a file), or the ID of a trace or run in the MLflow store."


def diff(
    a: Annotated[str, typer.Argument(help=RUN_HELP, metavar="A")],
    b: Annotated[str, typer.Argument(help="The same, of the other run.", metavar="B")],
    as_json: JsonOption = False,
) -> None:
    """Show where two runs part first, and how.

    Compares the calls of each agent by number, so that the order of parallel agents does not
    matter. Ids, local ports and memory addresses are ignored.

    Exit codes: 0 the same; 1 they differ; 2 one cannot be read.
    """
    from scenarios.divergence.divergence_report import comparison_to_json, render_comparison
    from scenarios.divergence.first_divergence import compare_runs
    from scenarios.divergence.run_sources import load_run

    with quiet_frameworks(), exit_on_interrupt("stopped"), translate_store_errors():
        comparison = compare_runs(load_run(a, tracking_uri()), load_run(b, tracking_uri()))
    if as_json:
        typer.echo(json.dumps(comparison_to_json(comparison), indent=2, ensure_ascii=False))
    else:
        print_report(render_comparison(comparison))
    raise typer.Exit(1 if comparison.divergences else 0)
