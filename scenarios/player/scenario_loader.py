"""Find scenarios of the catalog by name, and load and validate their files."""

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from scenarios.player.scenario_errors import find_workflow_error, suggest_for_error
from scenarios.player.workflow_source import class_names
from scenarios.scenario import Scenario
from scenarios.scenario_inputs import resolve_inputs
from scenarios.tape.placeholders import InputValue, placeholder_names
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
    """The names of all scenarios in the catalog, sorted."""
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
    for variant, _, expectations in scenario.variants():
        if not expectations:
            raise ScenarioNotFoundError(
                f"{folder.module}: {variant} has no expectations; add expect_{variant}=(…)"
            )
    if error := find_workflow_error(scenario.workflow):
        raise ScenarioNotFoundError(f"{folder.module}: {error}")
    _check_variants(scenario, folder)
    tape = Tape.load(folder.tape)
    _check_agents(scenario, tape, folder)
    for _, variant_settings, _ in scenario.variants():
        inputs = resolve_inputs(scenario.variant_inputs(variant_settings), seed=None)
        tape.with_inputs(inputs)
        _check_inputs(scenario.task, inputs, folder)
    return replace(scenario, name=name, title=" ".join(title.split()), story=story)


def load_variants(name: str, catalog: Path = CATALOG_FOLDER) -> ModuleType:
    """Import a scenario's `variants.py`, and with it the framework of its workflow."""
    return _import_file(
        f"scenarios.catalog.{name}.variants", scenario_folder(name, catalog).variants
    )


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
        raise ScenarioNotFoundError(
            f"{path}: cannot be imported{_error_location(error, path)}"
            f"{suggest_for_error(error, vars(module))}"
        ) from error
    return module


def _check_variants(scenario: Scenario, folder: ScenarioFolder) -> None:
    """Check that `variants.py` has each class; it is not imported, for that needs a framework."""
    for variant_name, variant, _ in scenario.variants():
        wanted = variant.workflow
        if not isinstance(wanted, str) or not wanted:
            continue
        known = _class_names(folder.variants) if folder.variants.exists() else ()
        if wanted not in known:
            near = get_close_matches(wanted, known, n=1, cutoff=0.0)
            raise ScenarioNotFoundError(
                f"{folder.module}: {variant_name} runs the class {wanted!r}, which is not in"
                f" {folder.variants.name}; nearest: {near[0] if near else 'none'}"
            )


def _class_names(path: Path) -> tuple[str, ...]:
    try:
        return class_names(path)
    except SyntaxError as error:
        raise ScenarioNotFoundError(
            f"{path}: cannot be parsed{_error_location(error, path)}"
        ) from error


def _error_location(error: Exception, file: Path) -> str:
    """The line of the file at which an import failed, and the error."""
    lines = [at.lineno for at in extract_tb(error.__traceback__) if at.filename == str(file)]
    line = error.lineno if isinstance(error, SyntaxError) else next(iter(lines), None)
    return f", line {line} ({type(error).__name__}: {error})"


def _check_inputs(task: str, inputs: Mapping[str, InputValue], folder: ScenarioFolder) -> None:
    for name in placeholder_names(task):
        if name not in inputs:
            known = ", ".join(inputs) or "none"
            raise ScenarioNotFoundError(
                f"{folder.module}: the task uses ${{{name}}}, which is not an input;"
                f" inputs: {known}"
            )


def _check_agents(scenario: Scenario, tape: Tape, folder: ScenarioFolder) -> None:
    """Reject unknown agents in expectations: `never_runs` would hold for a misspelt name."""
    known = {line.lane for line in tape.lines} | set(scenario.unreached_agents)
    named = {
        agent
        for _, _, expectations in scenario.variants()
        for expectation in expectations
        for agent in expectation.agents
    }
    for agent in sorted(named - known):
        near = get_close_matches(agent, known, n=1, cutoff=0.0)
        raise ScenarioNotFoundError(
            f"{folder.module}: an expectation names agent {agent!r}, which has no lane in"
            f" {folder.tape.name}; nearest: {near[0] if near else 'none'}. If no variant reaches"
            " the agent, add it to unreached_agents"
        )
