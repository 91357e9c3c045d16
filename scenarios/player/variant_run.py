"""Run one variant of a scenario on its tape, and compare its trace with what is expected of it."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from difflib import unified_diff
from functools import partial
from pathlib import Path
from typing import Any

from instrumentation import TraceNotFoundError, record_run, trace_from_mlflow
from instrumentation.diagnosis import diagnose
from instrumentation.trace import Trace
from instrumentation.trace.outline import render_outline
from scenarios.expectations import Expectation, log_failed_expectations
from scenarios.player.expected_end import await_expected_end
from scenarios.player.fidelity import measure_fidelity
from scenarios.player.scenario_loader import scenario_folder
from scenarios.player.verdict import VariantResult, evaluate, find_broken_problems
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.replay.service_processes import ServiceProcesses
from scenarios.scenario import Scenario, Variant, resolve_inputs
from scenarios.tape.placeholders import InputValue, fill_inputs
from scenarios.tape.tape import Tape
from scenarios.traces.diagnoses import log_findings
from workflows.model import Model

ProgressCallback = Callable[[str, Exchange], None]
"""Takes the name of the running variant, and an exchange that has ended."""


@dataclass(frozen=True)
class VariantRun:
    """A variant of a scenario. A seed draws its inputs; without one they are the published ones."""

    scenario: Scenario
    name: str
    variant: Variant
    expectations: tuple[Expectation, ...]
    seed: int | None

    @property
    def inputs(self) -> dict[str, InputValue]:
        return resolve_inputs(self.scenario.variant_inputs(self.variant), self.seed)

    @property
    def task(self) -> str:
        return str(fill_inputs(self.scenario.task, self.inputs))

    @property
    def golden(self) -> Path:
        return scenario_folder(self.scenario.name).golden(self.name)

    @property
    def tags(self) -> dict[str, str]:
        seed = {} if self.seed is None else {"flight_recorder.seed": str(self.seed)}
        return {
            "flight_recorder.scenario": self.scenario.name,
            "flight_recorder.variant": self.name,
        } | seed

    def run(self, workflow: type[Any], replay: ReplayServer) -> Coroutine[Any, Any, Any]:
        """Run the class, with the replay server as its model and its outside services."""
        model = Model("taped", replay.base_url, api_key="taped")
        services = dict.fromkeys(self.scenario.services, replay.url)
        processes = {name: replay.service_url(name) for name in self.scenario.processes}
        arguments = {name: make(**self.inputs) for name, make in self.scenario.arguments.items()}
        chunks = {"on_chunk": ignore_chunk} if self.scenario.streams else {}
        instance = workflow(model, **services, **processes, **arguments, **chunks)
        run: Coroutine[Any, Any, Any] = instance.run(self.task)
        return run


def ignore_chunk(agent: str, text: str) -> None:
    """The `on_chunk` of scenarios that stream."""


def run_variant(
    variant_run: VariantRun,
    workflow: type[Any],
    tape: Tape,
    processes: ServiceProcesses,
    strict: bool,
    on_exchange: ProgressCallback | None,
) -> VariantResult:
    """Run one variant on its tape, and evaluate its trace."""
    name, started_s = variant_run.name, time.perf_counter()
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
        call = variant_run.run(workflow, replay)
        ending = await_expected_end(call, variant_run.variant, replay.ledger)
        unexpected_outcome = asyncio.run(ending)
    duration_s = time.perf_counter() - started_s
    processes.flush()
    unused = {line.number for line in replay.unplayed_lines}
    used = {line.number for line in tape.lines} - unused
    result = VariantResult(
        name,
        trace=None,
        expectation_results=(),
        inputs=variant_run.inputs,
        problems=tuple(_find_problems(replay, unexpected_outcome)),
        used_lines=frozenset(used),
        duration_s=duration_s,
    )
    try:
        trace = trace_from_mlflow(stored.to_dict() for stored in run.traces())
    except TraceNotFoundError as error:
        return replace(result, problems=(*result.problems, str(error)))
    return _evaluate_trace(variant_run, result, trace, replay)


def _find_golden_drift(variant_run: VariantRun, trace: Trace) -> tuple[str, ...]:
    """How the outline differs from the golden, which is of the published inputs."""
    if variant_run.seed is not None or not variant_run.golden.exists():
        return ()
    return diff_outlines(variant_run.golden.read_text("utf-8"), render_outline(trace))


def diff_outlines(golden: str, outline: str) -> tuple[str, ...]:
    """The lines of a unified diff; empty if the outlines are the same."""
    return tuple(
        unified_diff(golden.splitlines(), outline.splitlines(), "golden", "seen", lineterm="")
    )


def _evaluate_trace(
    variant_run: VariantRun, result: VariantResult, trace: Trace, replay: ReplayServer
) -> VariantResult:
    """Evaluate the trace, and log the expectations that it does not meet on its spans.

    For a broken variant, these are also the expectations of the fixed one.
    """
    expected, problems, scenario = variant_run.expectations, result.problems, variant_run.scenario
    if variant_run.name == "broken":
        expected = (*expected, *scenario.expect_fixed)
        folder = scenario_folder(scenario.name)
        problems = (*problems, *find_broken_problems(scenario, trace, folder))
    log_failed_expectations(trace, expected)
    log_findings(trace, diagnose(trace), with_issues=False)  # it fails on purpose
    return replace(
        result,
        trace=trace,
        problems=problems,
        expectation_results=evaluate(trace, variant_run.expectations),
        fidelity=measure_fidelity(replay.ledger, trace),
        drift=(*map(str, replay.drift), *_find_golden_drift(variant_run, trace)),
        is_new=variant_run.seed is None and not variant_run.golden.exists(),
    )


def _find_problems(replay: ReplayServer, unexpected_outcome: str | None) -> Iterator[str]:
    """A refused request is reported instead of the error that a framework made of it."""
    if replay.refusals:
        yield from map(str, replay.refusals)
    elif unexpected_outcome:
        yield unexpected_outcome
    for fault in replay.unfired_faults:
        yield f"the fault did not occur: {fault}"
