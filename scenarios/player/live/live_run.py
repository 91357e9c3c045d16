"""Run a workflow on a real model, recorded with the same instrumentation as scenarios."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.console import Console

from instrumentation import TraceNotFoundError, enable_tracing, record_run, trace_from_mlflow
from instrumentation.trace.outline import render_outline
from scenarios.player.live.live_settings import resolve_arguments, resolve_keys, resolve_services
from scenarios.player.live.registry_prompt import link_prompts, load_prompt, replace_prompts
from scenarios.player.scenario_loader import (
    ScenarioNotFoundError,
    load_scenario,
    resolve_workflow,
    scenario_folder,
    scenario_names,
)
from scenarios.player.service_processes import ServiceProcesses, ServiceUnavailableError
from scenarios.recording.recording_proxy import record_tape
from scenarios.recording.tape_writer import open_tape
from scenarios.reports.terminal_report import trace_url, ui_instruction
from scenarios.scenario import Scenario
from scenarios.tape.requests.request import COMPLETION_PATHS
from scenarios.tape.tape import Tape, TapeError
from scenarios.traces.store.tracking_uri import StoreUnavailableError, translate_store_errors
from workflows.model import Model


def run_live(
    name: str,
    task: str,
    tracking_uri: str,
    tape: Path | None,
    services: Mapping[str, str],
    arguments: Mapping[str, Path],
    prompts: Mapping[str, str],
    console: Console,
) -> bool:
    """Run a workflow on the model that the environment selects, and print its trace.

    Args:
        name: The workflow's module, such as `search_agent`.
        tape: A file to record the responses of the model and the services in.
        services: Addresses of services, replacing the workflow's own. Their keys are read from the
            environment.
        arguments: Folders with arguments that are not text, replacing those of a scenario.
        prompts: Prompts of MLflow's registry, NAME@ALIAS, by agent; see `replace_prompts`.

    Returns:
        Whether the workflow ended without an error. The trace says why it did not.

    Raises:
        ModelNotConfiguredError: The environment selects no model.
        ScenarioNotFoundError: There is no such workflow, service or argument.
        typer.BadParameter: There is no such prompt, or the workflow cannot use it.
    """
    reference = workflow_reference(name)
    workflow = resolve_workflow(reference)
    loaded = map(load_scenario, scenario_names())
    scenarios = [one for one in loaded if one.workflow == reference]
    addresses = resolve_services(name, scenarios, workflow, services)
    own_services = {service: addresses[service] for one in scenarios for service in one.processes}
    options = resolve_keys(workflow, addresses) | resolve_arguments(
        name, scenarios, workflow, arguments
    )
    model = Model.from_environment()
    console.out(f"{name} on {model.name} at {model.base_url}", highlight=False)
    with enable_tracing(tracking_uri):
        loaded_prompts = {agent: load_prompt(prompt) for agent, prompt in prompts.items()}
        workflow = replace_prompts(workflow, loaded_prompts, _agents_of(scenarios))
        with (
            record_run({"flight_recorder.workflow": name}) as run,
            _recording_proxies(model, addresses, tape) as (proxied_model, proxied_services),
        ):
            options |= proxied_services
            instance = workflow(proxied_model, on_chunk=_make_printer(console), **options)
            outcome = asyncio.run(_await_result(instance.run(task)))
        with suppress(ServiceUnavailableError):  # the failed tool call is in the trace
            ServiceProcesses(own_services).flush()
        failed = isinstance(outcome, Exception)
        result = f"it failed: {error_summary(outcome)}" if failed else outcome
        try:
            with translate_store_errors():
                trace = trace_from_mlflow(stored.to_dict() for stored in run.traces())
                link_prompts(loaded_prompts.values(), trace.ids, tracking_uri)
        except (StoreUnavailableError, TraceNotFoundError):
            console.out(f"\n\n{result}", highlight=False)
            raise
    console.out(f"\n\n{render_outline(trace)}\n{result}", highlight=False)
    console.out(f"read the trace: {ui_instruction()} {trace_url(trace)}", highlight=False)
    return not failed


def workflow_reference(name: str) -> str:
    """The object reference of a workflow, by the name of its module."""
    references = {load_scenario(scenario).workflow for scenario in scenario_names()}
    by_name = {one.partition(":")[0].rpartition(".")[2]: one for one in references}
    if name not in by_name:
        near = get_close_matches(name, by_name, n=1, cutoff=0.0)
        raise ScenarioNotFoundError(f"no workflow is named {name!r}; did you mean {near[0]}?")
    return by_name[name]


def _agents_of(scenarios: Iterable[Scenario]) -> set[str]:
    """The agents that answer on the tapes of a workflow's scenarios."""
    lines = (line for one in scenarios for line in Tape.load(scenario_folder(one.name).tape).lines)
    return {line.lane for line in lines if line.path in COMPLETION_PATHS}


async def _await_result(call: Awaitable[Any]) -> Any:
    """The workflow's result, or the error that it raised."""
    try:
        return await call
    except Exception as error:  # CrewAI raises a bare Exception, AutoGen wraps any error
        return error


def error_summary(error: Exception) -> str:
    """The first line of an error's text, or its type: a timeout has no text."""
    return next(iter(str(error).splitlines()), type(error).__name__)


@contextmanager
def _recording_proxies(
    model: Model, services: Mapping[str, str], tape: Path | None
) -> Generator[tuple[Model, Mapping[str, str]]]:
    """The model and the services behind proxies that record on the tape; without one, unchanged."""
    if tape is None:
        yield model, services
        return
    _require_writable(tape)
    with ExitStack() as stack:
        model_url = stack.enter_context(record_tape(model.base_url, tape)).base_url
        service_urls = {
            name: stack.enter_context(record_tape(address, tape, lane=name)).base_url
            for name, address in services.items()
        }
        yield replace(model, base_url=model_url), service_urls


def _require_writable(tape: Path) -> None:
    """Raise `TapeError` before the model is called: what it answers costs money."""
    try:
        if tape.exists() and tape.stat().st_size:
            raise TapeError(f"{tape}: the file is not empty; remove it, or name another")
        open_tape(tape).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TapeError(f"{tape}: cannot be written ({reason})") from error


def _make_printer(console: Console) -> Callable[[str, str], None]:
    """An `on_chunk` that prints text as it arrives, after the agent's name when that changes."""
    agents: list[str] = []

    def print_chunk(agent: str, text: str) -> None:
        if agents[-1:] != [agent]:
            agents.append(agent)
            console.out(f"\n{agent}: ", end="", style="bold")
        console.out(text, end="", highlight=False)

    return print_chunk
