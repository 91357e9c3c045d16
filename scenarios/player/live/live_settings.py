"""Constructor arguments of a workflow in a live run: service addresses, API keys, other objects."""

import os
from collections.abc import Iterable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, get_type_hints

from scenarios.player.scenario_loader import ScenarioNotFoundError
from scenarios.scenario import Scenario, resolve_inputs


def resolve_services(
    name: str, scenarios: Iterable[Scenario], workflow: type[Any], overrides: Mapping[str, str]
) -> dict[str, str]:
    """The addresses of the workflow's services: the overrides, else its own defaults.

    Raises `ScenarioNotFoundError` for an override of a service that the workflow does not have.
    """
    known = sorted({name for one in scenarios for name in (*one.services, *one.processes)})
    if unknown := sorted(overrides.keys() - set(known)):
        raise ScenarioNotFoundError(
            f"{name} has no service {unknown[0]!r}; it has: {', '.join(known) or 'none'}"
        )
    defaults = {service: signature(workflow).parameters[service].default for service in known}
    return defaults | dict(overrides)


def resolve_keys(workflow: type[Any], services: Iterable[str]) -> dict[str, str]:
    """The API keys of services that take one: `tavily_key` from TAVILY_API_KEY, if it is set."""
    parameters = signature(workflow).parameters
    keys = {f"{name}_key": os.environ.get(f"{name.upper()}_API_KEY") for name in services}
    return {name: key for name, key in keys.items() if key and name in parameters}


def resolve_arguments(
    name: str, scenarios: Iterable[Scenario], workflow: type[Any], paths: Mapping[str, Path]
) -> dict[str, Any]:
    """The arguments that are not text: from the given folders, or else from a scenario.

    Raises `ScenarioNotFoundError` for an unknown argument, and for a folder that cannot be read.
    """
    healthy_last = sorted(scenarios, key=lambda scenario: scenario.broken is None)
    known = {argument: scenario for scenario in healthy_last for argument in scenario.arguments}
    if unknown := sorted(paths.keys() - known.keys()):
        raise ScenarioNotFoundError(
            f"{name} takes no argument {unknown[0]!r};"
            f" it takes: {', '.join(sorted(known)) or 'none'}"
        )
    types = get_type_hints(workflow.__init__)
    try:
        read = {argument: types[argument].read(path) for argument, path in paths.items()}
    except ValueError as error:
        raise ScenarioNotFoundError(f"--argument: {error}") from error
    defaults = {
        argument: scenario.arguments[argument](**resolve_inputs(scenario.inputs, seed=None))
        for argument, scenario in known.items()
        if argument not in paths
    }
    return defaults | read
