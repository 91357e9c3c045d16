"""Run all variants of a scenario on its tape, offline, and compare outlines with goldens."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import unified_diff

from instrumentation import enable_tracing
from instrumentation.trace.outline import render_outline
from scenarios.player.scenario_loader import (
    ScenarioFolder,
    ScenarioNotFoundError,
    load_scenario,
    scenario_folder,
)
from scenarios.player.variant_run import ProgressCallback, VariantRun, run_variant
from scenarios.player.verdict import VariantResult, Verdict
from scenarios.replay.service_processes import run_services
from scenarios.tape.tape import Tape


def run_scenario(
    name: str,
    tracking_uri: str,
    *,
    strict: bool = True,
    seed: int | None = None,
    on_exchange: ProgressCallback | None = None,
) -> Verdict:
    """Run every variant of a scenario, and evaluate its trace.

    Args:
        strict: Refuse a request that differs from its recorded line; else answer it and report
            the drift.
        seed: Draw the inputs; then the outlines are not compared with the goldens.
        on_exchange: Called as each exchange ends.

    Raises:
        ScenarioNotFoundError: There is no such scenario, its file is invalid, or it has no inputs
            that a seed could draw.
        TapeError: The tape is invalid.
    """
    scenario, folder = load_scenario(name), scenario_folder(name)
    if seed is not None and not scenario.inputs:
        raise ScenarioNotFoundError(
            f"{name} has no inputs that a seed could draw; run it without --seed"
        )
    tape = Tape.load(folder.tape)
    runs = [VariantRun(scenario, *variant, seed) for variant in scenario.variants()]
    workflows = [run.workflow() for run in runs]  # imported before tracing looks for frameworks
    with enable_tracing(tracking_uri), run_services(scenario.processes, tracking_uri) as processes:
        results = tuple(
            run_variant(run, workflow, tape, processes, strict, on_exchange)
            for run, workflow in zip(runs, workflows, strict=True)
        )
    if seed is None:
        results = tuple(_compare_with_golden(result, folder) for result in results)
    problems = tuple(_find_unused_lines(results, tape, folder))
    return Verdict(name, results, problems)


def diff_outlines(golden: str, outline: str) -> tuple[str, ...]:
    """The lines of a unified diff; empty if the outlines are the same."""
    return tuple(
        unified_diff(golden.splitlines(), outline.splitlines(), "golden", "seen", lineterm="")
    )


def _compare_with_golden(result: VariantResult, folder: ScenarioFolder) -> VariantResult:
    golden = folder.golden(result.variant)
    if result.trace is None:
        return result
    if not golden.exists():
        return replace(result, is_new=True)
    drift = diff_outlines(golden.read_text("utf-8"), render_outline(result.trace))
    return replace(result, drift=(*result.drift, *drift))


def _find_unused_lines(
    results: Sequence[VariantResult], tape: Tape, folder: ScenarioFolder
) -> Iterator[str]:
    used = frozenset().union(*(result.used_lines for result in results))
    for line in tape.lines:
        if line.number not in used:
            yield f"{folder.tape.name}:{line.number}: no variant uses this line of {line.lane}"
