"""`make mutants`: change the code at random places, and count how often the tests notice.

cosmic-ray and mutmut run the whole suite for each change, or each file's changes all together. This
runs the test files that are most likely to notice, so that a sample takes minutes.
"""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from scenarios.cli.exits import exit_on_interrupt
from tests.mutants.mutant_run import copy_project, judge_mutants, sample_mutations

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("patches", "instrumentation", "workflows", "scenarios", "integrations")


def main(
    count: Annotated[int, typer.Option(min=1, help="How many changes to try.")] = 60,
    seed: Annotated[int, typer.Option(help="Chooses other places.")] = 1,
    package: Annotated[
        list[str] | None, typer.Option(help="A folder to change, e.g. patches/crewai; repeatable.")
    ] = None,
    timeout_s: Annotated[float, typer.Option(help="The time limit of one run of tests.")] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Change the code at random places, one at a time, and run the tests that should notice.

    Works in a copy of the project. Prints the changes that no test noticed, and the share of those
    that one did. Some changes do not alter the behaviour: judge the survivors by hand. Exit codes:
    0 done; 2 a folder has no code; 130 interrupted.
    """
    mutations = sample_mutations(ROOT, package or PACKAGES, count, seed)
    if not mutations:
        raise typer.BadParameter(f"--package: there is no code in {', '.join(package or ())}")
    results = []
    with TemporaryDirectory() as scratch, exit_on_interrupt("stopped: no change was kept"):
        copy_project(ROOT, Path(scratch))
        for result in judge_mutants(Path(scratch), mutations, timeout_s):
            results.append(result)
            place = f"[{len(results)}/{len(mutations)}]"
            typer.echo(f"{place} {result.verdict}: {result.description}", err=True)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in results], indent=2, default=str))
        return
    for each in results:
        if each.verdict != "killed":
            typer.echo(f"{each.verdict}: {each.description}\n  {each.reason}")
    totals = Counter(each.verdict for each in results)
    judged = totals["killed"] + totals["survived"]
    share = totals["killed"] / judged if judged else 0
    typer.echo(
        f"{totals['killed']} of {judged} changes were noticed ({share:.0%}),"
        f" {totals['not judged']} could not be judged"
    )


if __name__ == "__main__":
    typer.run(main)
