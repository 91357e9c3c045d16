"""What a live run is handed besides its task and its model: addresses, keys and props."""

import os
from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, get_type_hints

from scenarios.inputs import resolve_inputs
from scenarios.player.scenario_loader import ScenarioNotFoundError
from scenarios.scenario import Scenario


def resolve_services(
    workflow: str, pages: Iterable[Scenario], run: Callable[..., Any], overrides: Mapping[str, str]
) -> dict[str, str]:
    """The outside services of a workflow: where a person says they are, else where it looks."""
    has = sorted({name for page in pages for name in (*page.services, *page.processes)})
    if unknown := sorted(overrides.keys() - set(has)):
        raise ScenarioNotFoundError(
            f"{workflow.partition(':')[0]} knows no service {unknown[0]!r};"
            f" it has: {', '.join(has) or 'none'}"
        )
    own = {name: signature(run).parameters[name].default for name in has}
    return own | dict(overrides)


def resolve_keys(
    run: Callable[..., Any],
    services: Iterable[str],
    environment: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """The keys of the services that take one, as `tavily_key`: from TAVILY_API_KEY, where set."""
    takes = signature(run).parameters
    keys = {f"{name}_key": environment.get(f"{name.upper()}_API_KEY") for name in services}
    return {name: key for name, key in keys.items() if key and name in takes}


def resolve_props(
    workflow: str, pages: Iterable[Scenario], run: Callable[..., Any], overrides: Mapping[str, Path]
) -> dict[str, Any]:
    """The settings that are no text, each read from its folder, else that of a healthy page."""
    healthy_last = sorted(pages, key=lambda page: page.broken is None)
    known = {name: page for page in healthy_last for name in page.props}
    if unknown := sorted(overrides.keys() - known.keys()):
        raise ScenarioNotFoundError(
            f"{workflow.partition(':')[0]} takes no prop {unknown[0]!r};"
            f" it takes: {', '.join(sorted(known)) or 'none'}"
        )
    kinds = get_type_hints(run.__init__ if isinstance(run, type) else run)
    try:
        read = {name: kinds[name].read(folder) for name, folder in overrides.items()}
    except ValueError as error:
        raise ScenarioNotFoundError(f"--prop: {error}") from error
    made = {
        name: page.props[name](**resolve_inputs(page.inputs, seed=None))
        for name, page in known.items()
        if name not in overrides
    }
    return made | read
