"""Run a scenario's variants on its tape, offline, and evaluate the traces that they leave."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import unified_diff
from functools import partial
from typing import Any

from instrumentation import TraceNotFoundError, enable_tracing, record_run, trace_from_mlflow
from instrumentation.trace.outline import render_outline
from scenarios.expectations import log_failed_expectations
from scenarios.player.expected_end import await_expected_end
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
"""Takes the name of the running variant, and an exchange that has ended."""


def run_scenario(
    name: str,
    tracking_uri: str,
    *,
    strict: bool = True,
    seed: int | None = None,
    on_exchange: ProgressCallback | None = None,
) -> Verdict:
    """Run every variant of a scenario, and evaluate its trace.

    What a trace does not meet is logged as assessments on its spans; of a broken variant also what
    is expected of the fixed one.

    Args:
        strict: Refuse a request that differs from its recorded line; else answer it and report
            the drift.
        seed: Draw the inputs; then the outlines are not compared with the goldens.
        on_exchange: Called as each exchange ends.

    Raises:
        ScenarioNotFoundError: There is no such scenario, its page is invalid, or it has no inputs
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
            _run_variant(run, workflow, tape, processes, strict, on_exchange)
            for run, workflow in zip(runs, workflows, strict=True)
        )
    if seed is None:
        results = tuple(_compare_with_golden(result, folder) for result in results)
    problems = tuple(find_scenario_problems(scenario, results, tape, folder))
    return Verdict(name, results, problems)


def diff_outlines(golden: str, outline: str) -> tuple[str, ...]:
    """The lines of a unified diff; empty if the outlines are the same."""
    return tuple(
        unified_diff(golden.splitlines(), outline.splitlines(), "golden", "seen", lineterm="")
    )


def _run_variant(
    variant_run: VariantRun,
    workflow: type[Any],
    tape: Tape,
    processes: ServiceProcesses,
    strict: bool,
    on_exchange: ProgressCallback | None,
) -> VariantResult:
    name = variant_run.name
    started_s = time.perf_counter()
    with (
        replay_tape(
            tape.with_inputs(variant_run.inputs),
            variant_run.scenario.faults,
            strict=strict,
            on_exchange=partial(on_exchange, name) if on_exchange else None,
            service_urls=processes.addresses,
        ) as replay,
        record_run(variant_run.tags) as run,
    ):
        unexpected_outcome = asyncio.run(
            await_expected_end(
                variant_run.run(workflow, replay), variant_run.variant, replay.ledger
            )
        )
    duration_s = time.perf_counter() - started_s
    processes.flush()
    unused = {line.number for line in replay.unplayed_lines}
    result = VariantResult(
        name,
        trace=None,
        expectation_results=(),
        inputs=variant_run.inputs,
        problems=tuple(_find_problems(replay, unexpected_outcome)),
        used_lines=frozenset(line.number for line in tape.lines if line.number not in unused),
        duration_s=duration_s,
    )
    try:
        trace = trace_from_mlflow(stored.to_dict() for stored in run.traces())
    except TraceNotFoundError as error:
        return replace(result, problems=(*result.problems, str(error)))
    expected = variant_run.expectations
    if name == "broken":  # the trace shows what is wrong with it, which it is expected to be
        expected = (*expected, *variant_run.scenario.expect_fixed)
    log_failed_expectations(trace, expected)
    return replace(
        result,
        trace=trace,
        expectation_results=evaluate(trace, variant_run.expectations),
        fidelity=measure_fidelity(replay.ledger, trace),
        drift=tuple(str(change) for change in replay.drift),
    )


def _find_problems(replay: ReplayServer, unexpected_outcome: str | None) -> Iterator[str]:
    """A refused request is reported instead of the error that a framework made of it."""
    if replay.refusals:
        yield from map(str, replay.refusals)
    elif unexpected_outcome:
        yield unexpected_outcome
    for fault in replay.unfired_faults:
        yield f"the fault did not occur: {fault}"


def _compare_with_golden(result: VariantResult, folder: ScenarioFolder) -> VariantResult:
    golden = folder.golden(result.variant)
    if result.trace is None:
        return result
    if not golden.exists():
        return replace(result, is_new=True)
    drift = diff_outlines(golden.read_text("utf-8"), render_outline(result.trace))
    return replace(result, drift=(*result.drift, *drift))
