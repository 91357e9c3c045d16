"""Play: run a scenario's variants against its tape, offline, and judge the traces they leave."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import unified_diff
from typing import Any

from instrumentation.trace import trace as traces
from instrumentation.trace.outline import render_outline
from instrumentation.trace.trace import TraceNotFoundError
from instrumentation.tracing import enable_tracing, record_run
from scenarios.player.call_outcome import await_outcome
from scenarios.player.fidelity import measure_fidelity
from scenarios.player.scenario_loader import (
    ScenarioFolder,
    ScenarioNotFoundError,
    load_scenario,
    scenario_folder,
)
from scenarios.player.scenario_problems import find_scenario_problems
from scenarios.player.variant_run import VariantRun
from scenarios.player.verdict import VariantResult, Verdict, evaluate
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.replay.service_processes import ServiceProcesses, run_services
from scenarios.tape.tape import Tape

ProgressCallback = Callable[[str, Exchange], None]


def run_scenario(
    name: str,
    tracking_uri: str,
    *,
    strict: bool = True,
    seed: int | None = None,
    on_exchange: ProgressCallback | None = None,
) -> Verdict:
    """Play every variant of a scenario. Raises `NoScenario` or `TapeError` on what cannot be read.

    With a seed its inputs are drawn, and there is no golden to compare the outlines with.
    `progress` is told of each exchange as it ends, with the name of the variant that is playing.
    """
    scenario, place = load_scenario(name), scenario_folder(name)
    if seed is not None and not scenario.inputs:
        raise ScenarioNotFoundError(
            f"{name} has no inputs that a seed could draw; play it without --seed"
        )
    tape = Tape.load(place.tape)
    runs = [VariantRun(scenario, *part, seed) for part in scenario.variants()]
    workflows = [run.workflow() for run in runs]  # imported before tracing looks for frameworks
    with enable_tracing(tracking_uri), run_services(scenario.processes, tracking_uri) as processes:
        seen = tuple(
            _run_variant(run, workflow, tape, processes, strict, on_exchange)
            for run, workflow in zip(runs, workflows, strict=True)
        )
    if seed is None:
        seen = tuple(_compare_with_golden(variant, place) for variant in seen)
    return Verdict(name, seen, tuple(find_scenario_problems(scenario, seen, tape, place)))


def diff_outlines(golden: str, seen: str) -> tuple[str, ...]:
    """How an outline differs from its golden, as the lines of a diff; empty when it does not."""
    return tuple(
        unified_diff(golden.splitlines(), seen.splitlines(), "golden", "seen", lineterm="")
    )


def _run_variant(
    variant_run: VariantRun,
    workflow: Callable[..., Any],
    tape: Tape,
    processes: ServiceProcesses,
    strict: bool,
    on_exchange: ProgressCallback | None,
) -> VariantResult:
    name = variant_run.name
    tell = (lambda exchange: on_exchange(name, exchange)) if on_exchange else None
    began = time.perf_counter()
    with (
        replay_tape(
            tape.with_inputs(variant_run.inputs),
            variant_run.scenario.faults,
            strict=strict,
            on_exchange=tell,
            service_urls=processes.addresses,
        ) as replay,
        record_run(variant_run.tags) as run,
    ):
        went_wrong = asyncio.run(
            await_outcome(variant_run.call(workflow, replay), variant_run.variant, replay.ledger)
        )
    took_s = time.perf_counter() - began
    processes.flush()
    troubles = tuple(_find_problems(replay, went_wrong))
    unplayed = {line.number for line in replay.unplayed_lines}
    played = frozenset(line.number for line in tape.lines if line.number not in unplayed)
    try:
        trace = traces.trace_from_mlflow(stored.to_dict() for stored in run.traces())
    except TraceNotFoundError as absent:
        troubles = (*troubles, str(absent))
        return VariantResult(
            name,
            None,
            (),
            variant_run.inputs,
            problems=troubles,
            used_lines=played,
            duration_s=took_s,
        )
    return VariantResult(
        name,
        trace,
        evaluate(trace, variant_run.expectations),
        variant_run.inputs,
        measure_fidelity(replay.ledger, trace),
        tuple(str(change) for change in replay.drift),
        troubles,
        played,
        took_s,
    )


def _find_problems(replay: ReplayServer, unexpected_outcome: str | None) -> Iterator[str]:
    """The tape's own refusal comes first, and in place of the error that a framework made of it."""
    if replay.refusals:
        yield from map(str, replay.refusals)
    elif unexpected_outcome:
        yield unexpected_outcome
    for fault in replay.unfired_faults:
        yield f"the fault never came about: {fault}"


def _compare_with_golden(result: VariantResult, folder: ScenarioFolder) -> VariantResult:
    golden = folder.golden(result.variant)
    if result.trace is None:
        return result
    if not golden.exists():
        mend = f"python -m scenarios accept {folder.path.name}"
        return replace(
            result, drift=(*result.drift, f"no golden yet: read the outline, then `{mend}`")
        )
    moved = diff_outlines(golden.read_text("utf-8"), render_outline(result.trace))
    return replace(result, drift=(*result.drift, *moved))
