"""Set up a workflow for a live run: its service addresses, API keys and other arguments."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, get_type_hints

from scenarios.player.scenario_loader import (
    ScenarioNotFoundError,
    load_scenario,
    resolve_workflow,
    scenario_folder,
    scenario_names,
    workflow_reference,
)
from scenarios.replay.service_processes import ServiceProcesses
from scenarios.scenario import Scenario, resolve_inputs
from scenarios.tape.requests.request import COMPLETION_PATHS
from scenarios.tape.tape import Tape


@dataclass(frozen=True)
class WorkflowSetup:
    """A workflow, and what its constructor takes beside the model.

    Attributes:
        name: The name of its module, such as `search_agent`.
        workflow: Its class.
        addresses: The addresses of its services, by name.
        processes: Those of them that run in processes of their own.
        options: Its other arguments: API keys, and objects such as a clip.
    """

    name: str
    workflow: type[Any]
    addresses: Mapping[str, str]
    processes: ServiceProcesses
    options: Mapping[str, Any]
    agents: frozenset[str]


def set_up_workflow(
    name: str, services: Mapping[str, str], arguments: Mapping[str, Path]
) -> WorkflowSetup:
    """Find a workflow, with the services and arguments of its scenarios.

    Args:
        services: Addresses of services, replacing the workflow's own. Their keys are read from the
            environment.
        arguments: Folders with arguments that are not text, replacing those of a scenario.

    Raises:
        ScenarioNotFoundError: There is no such workflow, service or argument.
    """
    reference = workflow_reference(name)
    workflow = resolve_workflow(reference)
    loaded = map(load_scenario, scenario_names())
    scenarios = [one for one in loaded if one.workflow == reference]
    addresses = _resolve_services(name, scenarios, workflow, services)
    own = {service: addresses[service] for one in scenarios for service in one.processes}
    options = _resolve_arguments(name, scenarios, workflow, arguments)
    options = _resolve_keys(workflow, addresses) | options
    processes, agents = ServiceProcesses(own), frozenset(_agents_of(scenarios))
    return WorkflowSetup(name, workflow, addresses, processes, options, agents)


def _resolve_services(
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


def _resolve_keys(workflow: type[Any], services: Iterable[str]) -> dict[str, str]:
    """The API keys of services that take one: `tavily_key` from TAVILY_API_KEY, if it is set."""
    parameters = signature(workflow).parameters
    keys = {f"{name}_key": os.environ.get(f"{name.upper()}_API_KEY") for name in services}
    return {name: key for name, key in keys.items() if key and name in parameters}


def _resolve_arguments(
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


def _agents_of(scenarios: Iterable[Scenario]) -> set[str]:
    """The agents that answer on the tapes of a workflow's scenarios."""
    lines = (line for one in scenarios for line in Tape.load(scenario_folder(one.name).tape).lines)
    return {line.lane for line in lines if line.path in COMPLETION_PATHS}
