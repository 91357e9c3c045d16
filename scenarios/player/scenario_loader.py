"""Find scenarios of the catalog by name, and load and validate their files."""

import inspect
import sys
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from scenarios.player.scenario_errors import (
    error_location,
    find_agent_error,
    find_argument_error,
    find_input_error,
    find_parameter_error,
    find_scenario_error,
    suggest_for_error,
    suggest_name,
)
from scenarios.scenario import Scenario, Variant, resolve_inputs
from scenarios.tape.tape import Tape

CATALOG_FOLDER = Path(__file__).parent.parent / "catalog"


class ScenarioNotFoundError(Exception):
    """No scenario has this name, its file is invalid, or it has no such variant or setting."""


@dataclass(frozen=True)
class ScenarioFolder:
    """The files of a scenario. People write the scenario and the tape, `accept` writes the rest."""

    path: Path

    @property
    def module(self) -> Path:
        return self.path / "scenario.py"

    @property
    def variants(self) -> Path:
        return self.path / "variants.py"

    @property
    def tape(self) -> Path:
        return self.path / "tape.jsonl"

    @property
    def readme(self) -> Path:
        return self.path / "README.md"

    def recorded_trace(self, variant: str) -> Path:
        return self.path / "recorded" / f"{variant}.json"

    def golden(self, variant: str) -> Path:
        return self.path / f"{variant}.golden.txt"


def scenario_names(catalog: Path = CATALOG_FOLDER) -> tuple[str, ...]:
    return tuple(sorted(file.parent.name for file in catalog.glob("*/scenario.py")))


def scenario_folder(name: str, catalog: Path = CATALOG_FOLDER) -> ScenarioFolder:
    """The folder of a scenario. Raises ScenarioNotFoundError with the nearest names."""
    known = scenario_names(catalog)
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4)
        hint = (
            f"did you mean {' or '.join(near)}?"
            if near
            else "`python -m scenarios list` lists them"
        )
        raise ScenarioNotFoundError(f"no scenario is named {name!r}; {hint}")
    return ScenarioFolder(catalog / name)


def load_scenario(name: str, catalog: Path = CATALOG_FOLDER) -> Scenario:
    """Import the file of a scenario, and validate it together with its tape.

    Raises:
        ScenarioNotFoundError: There is no such scenario, or its file is invalid.
        TapeError: The tape is invalid.
    """
    folder = scenario_folder(name, catalog)
    module = _import_file(f"scenarios.catalog.{name}.scenario", folder.module)
    scenario = getattr(module, "SCENARIO", None)
    if not isinstance(scenario, Scenario):
        raise ScenarioNotFoundError(f"{folder.module}: defines no SCENARIO")
    title, _, story = inspect.cleandoc(module.__doc__ or "").partition("\n\n")
    if not title:
        raise ScenarioNotFoundError(f"{folder.module}: has no docstring with a title and a story")
    if error := find_scenario_error(scenario, folder.variants):
        raise ScenarioNotFoundError(f"{folder.module}: {error}")
    tape = Tape.load(folder.tape)
    for _, variant, _ in scenario.variants():
        inputs = resolve_inputs(scenario.variant_inputs(variant), seed=None)
        tape.with_inputs(inputs)
        if error := find_input_error(scenario.task, inputs):
            raise ScenarioNotFoundError(f"{folder.module}: {error}")
    if error := find_agent_error(scenario, tape):
        raise ScenarioNotFoundError(f"{folder.module}: {error}")
    return replace(scenario, name=name, title=" ".join(title.split()), story=story)


def load_workflow(scenario: Scenario, variant: Variant) -> type[Any]:
    """Import the class that a variant runs, and with it its framework.

    Raises:
        ScenarioNotFoundError: The scenario has a setting for a parameter that the class lacks.
    """
    workflow = _import_workflow(scenario, variant)
    settings = {
        "services": scenario.services,
        "processes": scenario.processes,
        "arguments": scenario.arguments,
        "streams=True": ("on_chunk",) if scenario.streams else (),
    }
    inputs = scenario.variant_inputs(variant)
    error = find_parameter_error(workflow, settings) or find_argument_error(scenario, inputs)
    if error:
        raise ScenarioNotFoundError(f"{scenario_folder(scenario.name).module}: {error}")
    return workflow


def _import_workflow(scenario: Scenario, variant: Variant) -> type[Any]:
    if isinstance(variant.workflow, type):
        return variant.workflow
    if not variant.workflow:
        return resolve_workflow(scenario.workflow)
    file = scenario_folder(scenario.name).variants
    variants = _import_file(f"scenarios.catalog.{scenario.name}.variants", file)
    workflow: type = getattr(variants, variant.workflow)
    return workflow


def workflow_reference(name: str) -> str:
    """The object reference of a workflow, by the name of its module."""
    references = {load_scenario(scenario).workflow for scenario in scenario_names()}
    by_name = {one.partition(":")[0].rpartition(".")[2]: one for one in references}
    if name not in by_name:
        raise ScenarioNotFoundError(f"no workflow is named {name!r}{suggest_name(name, by_name)}")
    return by_name[name]


def resolve_workflow(reference: str) -> type[Any]:
    """Import the class that an object reference, `package.module:Class`, names."""
    module, _, name = reference.partition(":")
    workflow: type = getattr(import_module(module), name)
    return workflow


def _import_file(name: str, path: Path) -> ModuleType:
    """Import a module from a file, again each time."""
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ScenarioNotFoundError(f"{path}: cannot be imported")
    module = module_from_spec(spec)
    sys.modules[name] = module  # pydantic and dataclasses look up their module there
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the file may contain any code, which may raise anything
        del sys.modules[name]
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python 3.11 wraps it while it makes
            raise error.__cause__ from None  # a class whose attributes have `__set_name__`
        raise ScenarioNotFoundError(
            f"{path}: cannot be imported{error_location(error, path)}"
            f"{suggest_for_error(error, vars(module))}"
        ) from error
    return module
