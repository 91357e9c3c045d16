"""Run all variants of a scenario on its tape, offline."""

from collections.abc import Iterable, Iterator

from instrumentation import enable_tracing
from scenarios.player.scenario_loader import (
    ScenarioNotFoundError,
    load_scenario,
    load_workflow,
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
    # Frameworks are imported before tracing looks for them.
    workflows = [load_workflow(scenario, variant) for _, variant, _ in scenario.variants()]
    runs = [VariantRun(scenario, *variant, seed) for variant in scenario.variants()]
    with enable_tracing(tracking_uri), run_services(scenario.processes, tracking_uri) as processes:
        results = tuple(
            run_variant(run, workflow, tape, processes, strict, on_exchange)
            for run, workflow in zip(runs, workflows, strict=True)
        )
    return Verdict(name, results, tuple(_find_unused_lines(tape, results, folder.tape.name)))


def _find_unused_lines(tape: Tape, results: Iterable[VariantResult], file: str) -> Iterator[str]:
    used = {number for result in results for number in result.used_lines}
    for line in tape.lines:
        if line.number not in used:
            yield f"{file}:{line.number}: no variant uses this line of {line.lane}"
