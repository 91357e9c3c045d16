"""Run one variant of a scenario: its class, task, inputs and tags, on its tape."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from typing import Any

from instrumentation import TraceNotFoundError, record_run, trace_from_mlflow
from instrumentation.diagnosis import diagnose
from scenarios.diagnoses import log_findings
from scenarios.expectations import Expectation, log_failed_expectations
from scenarios.player.expected_end import await_expected_end
from scenarios.player.fidelity import measure_fidelity
from scenarios.player.scenario_errors import find_parameter_error
from scenarios.player.scenario_loader import (
    ScenarioNotFoundError,
    load_variants,
    resolve_workflow,
    scenario_folder,
)
from scenarios.player.verdict import VariantResult, evaluate, find_broken_problems
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.replay.service_processes import ServiceProcesses
from scenarios.scenario import Scenario, Variant
from scenarios.scenario_inputs import resolve_inputs
from scenarios.tape.placeholders import InputValue, fill_inputs
from scenarios.tape.tape import Tape
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
    def tags(self) -> dict[str, str]:
        seed = {} if self.seed is None else {"flight_recorder.seed": str(self.seed)}
        return {
            "flight_recorder.scenario": self.scenario.name,
            "flight_recorder.variant": self.name,
        } | seed

    def workflow(self) -> type[Any]:
        """Import the class that runs, and with it its framework.

        Raises:
            ScenarioNotFoundError: The scenario has a setting for a parameter that the class lacks.
        """
        workflow, scenario = self._import_workflow(), self.scenario
        settings = {
            "services": scenario.services,
            "processes": scenario.processes,
            "arguments": scenario.arguments,
            "streams=True": ("on_chunk",) if scenario.streams else (),
        }
        if reason := find_parameter_error(workflow, settings):
            raise ScenarioNotFoundError(f"{scenario_folder(scenario.name).module}: {reason}")
        for name, make in scenario.arguments.items():
            try:
                signature(make).bind(**self.inputs)
            except TypeError as error:
                raise ScenarioNotFoundError(
                    f"{scenario_folder(scenario.name).module}: the argument {name!r} does"
                    f" not take the inputs {', '.join(self.inputs) or 'none'}: {error}"
                ) from error
        return workflow

    def _import_workflow(self) -> type[Any]:
        if isinstance(self.variant.workflow, type):
            return self.variant.workflow
        if name := self.variant.workflow:
            variant_class: type = getattr(load_variants(self.scenario.name), name)
            return variant_class
        return resolve_workflow(self.scenario.workflow)

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
    """Run one variant on its tape, and evaluate its trace.

    What the trace does not meet is logged as assessments on its spans; of a broken variant also
    what is expected of the fixed one.
    """
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
    expected, problems, scenario = variant_run.expectations, result.problems, variant_run.scenario
    if name == "broken":  # the trace shows what is wrong with it, which it is expected to be
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
