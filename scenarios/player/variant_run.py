"""One variant of a scenario with its values, ready to run: class, task, inputs and tags."""

from collections.abc import Coroutine
from dataclasses import dataclass
from inspect import signature
from typing import Any

from scenarios.expectations import Expectation
from scenarios.player.page_errors import find_parameter_error
from scenarios.player.scenario_loader import (
    ScenarioNotFoundError,
    load_variants,
    resolve_workflow,
    scenario_folder,
)
from scenarios.replay.replay_server import ReplayServer
from scenarios.scenario import Scenario, Variant
from scenarios.scenario_inputs import resolve_inputs
from scenarios.tape.placeholders import InputValue, fill_inputs
from workflows.model import Model


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
            ScenarioNotFoundError: The page has a setting for a parameter that the class lacks.
        """
        workflow, scenario = self._import_workflow(), self.scenario
        settings = {
            "services": scenario.services,
            "processes": scenario.processes,
            "props": scenario.props,
            "streams=True": ("on_chunk",) if scenario.streams else (),
        }
        if reason := find_parameter_error(workflow, settings):
            raise ScenarioNotFoundError(f"{scenario_folder(scenario.name).page}: {reason}")
        for name, make in scenario.props.items():
            try:
                signature(make).bind(**self.inputs)
            except TypeError as error:
                raise ScenarioNotFoundError(
                    f"{scenario_folder(scenario.name).page}: the prop {name!r} does not take the"
                    f" inputs {', '.join(self.inputs) or 'none'}: {error}"
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
        props = {name: make(**self.inputs) for name, make in self.scenario.props.items()}
        chunks = {"on_chunk": ignore_chunk} if self.scenario.streams else {}
        instance = workflow(model, **services, **processes, **props, **chunks)
        run: Coroutine[Any, Any, Any] = instance.run(self.task)
        return run


def ignore_chunk(agent: str, text: str) -> None:
    """The `on_chunk` of scenarios that stream."""
