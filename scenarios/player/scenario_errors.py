"""Find the errors in a scenario's files, and suggest the names that were probably meant."""

import ast
import re
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from inspect import Parameter, signature
from pathlib import Path
from traceback import extract_tb
from typing import Any

from instrumentation.trace.wording import suggest
from scenarios.player.workflow_source import class_names
from scenarios.scenario import Scenario
from scenarios.tape.placeholders import placeholder_names
from scenarios.tape.tape import Tape

WORKFLOWS_FOLDER = Path(__file__).parent.parent.parent / "workflows"
UNEXPECTED_ARGUMENT = re.compile(
    r"(\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(.*)'"
)


def suggest_name(wanted: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the nearest name; a list of the names if none is near."""
    names = sorted(set(known))
    return suggest(wanted, names, otherwise=f"; known: {', '.join(names) or 'none'}", cutoff=0.5)


def suggest_for_error(error: Exception, namespace: Mapping[str, Any]) -> str:
    """A suggestion for a name that an error says is unknown; empty for other errors.

    Args:
        error: The error that a scenario or its variants raised.
        namespace: The names that the file had defined by then.
    """
    if isinstance(error, TypeError) and (found := UNEXPECTED_ARGUMENT.search(str(error))):
        function, argument = found.groups()
        return suggest_name(argument, _parameters(namespace.get(function)))
    if isinstance(error, NameError):
        return suggest_name(str(error.name), namespace)
    if isinstance(error, AttributeError) and error.name:
        return suggest_name(error.name, _public_names(error.obj))
    if isinstance(error, ModuleNotFoundError):
        return ""
    if isinstance(error, ImportError) and error.name in sys.modules:
        wanted = re.search(r"cannot import name '(\w+)'", str(error))
        return suggest_name(wanted[1], _public_names(sys.modules[error.name])) if wanted else ""
    return ""


def error_location(error: Exception, file: Path) -> str:
    """The line of the file at which an import failed, and the error."""
    lines = [at.lineno for at in extract_tb(error.__traceback__) if at.filename == str(file)]
    line = error.lineno if isinstance(error, SyntaxError) else next(iter(lines), None)
    return f", line {line} ({type(error).__name__}: {error})"


def find_scenario_error(scenario: Scenario, variants: Path) -> str | None:
    """Why a scenario cannot run: it lacks expectations, or a class in a workflow or a variant.

    `variants` is read, not imported: that would import its framework.
    """
    for name, _, expectations in scenario.variants():
        if not expectations:
            return f"{name} has no expectations; add expect_{name}=(…)"
    if reason := _find_workflow_error(scenario.workflow):
        return reason
    for name, variant, _ in scenario.variants():
        wanted = variant.workflow
        if not isinstance(wanted, str) or not wanted:
            continue
        try:
            known = class_names(variants) if variants.exists() else ()
        except SyntaxError as error:
            return f"{variants.name} cannot be parsed{error_location(error, variants)}"
        if wanted not in known:
            return (
                f"{name} runs the class {wanted!r}, which is not in {variants.name};"
                f" nearest: {_nearest(wanted, known)}"
            )
    return None


def find_input_error(task: str, inputs: Mapping[str, Any]) -> str | None:
    """Why a task cannot be filled: it uses an input that does not exist."""
    for name in placeholder_names(task):
        if name not in inputs:
            known = ", ".join(inputs) or "none"
            return f"the task uses ${{{name}}}, which is not an input; inputs: {known}"
    return None


def find_agent_error(scenario: Scenario, tape: Tape) -> str | None:
    """Why an expectation is invalid: its agent has no lane on the tape.

    Without this check, `never_runs` would pass for a misspelt name.
    """
    known = {line.lane for line in tape.lines} | set(scenario.unreached_agents)
    named = {
        agent
        for _, _, expectations in scenario.variants()
        for expectation in expectations
        for agent in expectation.agents
    }
    for agent in sorted(named - known):
        return (
            f"an expectation names agent {agent!r}, which has no lane on its tape;"
            f" nearest: {_nearest(agent, known)}. If no variant reaches"
            " the agent, add it to unreached_agents"
        )
    return None


def find_argument_error(scenario: Scenario, inputs: Mapping[str, Any]) -> str | None:
    """Why an argument of the workflow cannot be made: its function does not take the inputs."""
    for name, make in scenario.arguments.items():
        try:
            signature(make).bind(**inputs)
        except TypeError as error:
            given = ", ".join(inputs) or "none"
            return f"the argument {name!r} does not take the inputs {given}: {error}"
    return None


def _nearest(wanted: str, known: Iterable[str]) -> str:
    return next(iter(get_close_matches(wanted, known, n=1, cutoff=0.0)), "none")


def _find_workflow_error(reference: str) -> str | None:
    """Why an object reference, `package.module:Class`, names no workflow; None if it does.

    The module is read, not imported: that would import its framework.
    """
    module, _, name = reference.partition(":")
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not name:
        return f"the workflow {reference!r} does not exist{suggest_name(reference, _workflows())}"
    classes = class_names(Path(spec.origin))
    if name not in classes:
        return f"{module} has no class {name!r}{suggest_name(name, classes)}"
    return None


def find_parameter_error(workflow: type[Any], settings: Mapping[str, Iterable[str]]) -> str | None:
    """Why a workflow cannot be constructed: a setting names a parameter that it lacks.

    Args:
        settings: The names of parameters, by the setting of the scenario that has them.
    """
    known = _parameters(workflow)
    for setting, names in settings.items():
        for name in names:
            if name not in known:
                hint = suggest_name(name, known)
                return f"{setting} names {name!r}, no parameter of {workflow.__name__}{hint}"
    return None


def _parameters(function: Any) -> list[str]:
    if not callable(function):
        return []
    parameters = signature(function).parameters.values()
    return [one.name for one in parameters if one.kind is not Parameter.POSITIONAL_ONLY]


def _public_names(value: Any) -> list[str]:
    return [name for name in dir(value) if not name.startswith("_")]


def _workflows() -> list[str]:
    """References to all classes directly in `workflows/` that have a method `run`."""
    return [
        f"workflows.{path.stem}:{node.name}"
        for path in WORKFLOWS_FOLDER.glob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
        and any(getattr(method, "name", "") == "run" for method in node.body)
    ]
