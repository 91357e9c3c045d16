"""Run a workflow on a real model, recorded with the same instrumentation as scenarios."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from instrumentation import TraceNotFoundError, enable_tracing, record_run, trace_from_mlflow
from instrumentation.trace.outline import render_outline
from scenarios.player.live.live_settings import WorkflowSetup
from scenarios.player.live.registry_prompt import link_prompts, load_prompt, replace_prompts
from scenarios.recording.recording_proxy import record_tape
from scenarios.recording.tape_writer import open_tape
from scenarios.replay.service_processes import ServiceUnavailableError
from scenarios.reports.terminal_report import trace_url, ui_instruction
from scenarios.tape.tape import TapeError
from scenarios.traces.store.tracking_uri import StoreUnavailableError, translate_store_errors
from workflows.model import Model


def run_live(
    setup: WorkflowSetup,
    task: str,
    tracking_uri: str,
    tape: Path | None,
    prompts: Mapping[str, str],
    console: Console,
) -> bool:
    """Run a workflow on the model that the environment selects, and print its trace.

    Args:
        tape: A file to record the responses of the model and the services in.
        prompts: Prompts of MLflow's registry, NAME@ALIAS, by agent; see `replace_prompts`.

    Returns:
        Whether the workflow ended without an error. The trace says why it did not.

    Raises:
        ModelNotConfiguredError: The environment selects no model.
        typer.BadParameter: There is no such prompt, or the workflow cannot use it.
    """
    model = Model.from_environment()
    console.out(f"{setup.name} on {model.name} at {model.address}", highlight=False)
    with enable_tracing(tracking_uri):
        loaded = {agent: load_prompt(prompt) for agent, prompt in prompts.items()}
        workflow = replace_prompts(setup.workflow, loaded, setup.agents)
        with (
            record_run({"flight_recorder.workflow": setup.name}) as run,
            _recording_proxies(model, setup.addresses, tape) as (proxied_model, services),
        ):
            options = {**setup.options, **services, "on_chunk": _make_printer(console)}
            outcome = asyncio.run(_await_result(workflow(proxied_model, **options).run(task)))
        with suppress(ServiceUnavailableError):  # the failed tool call is in the trace
            setup.processes.flush()
        failed = isinstance(outcome, Exception)
        result = f"it failed: {error_summary(outcome)}" if failed else outcome
        try:
            with translate_store_errors():
                trace = trace_from_mlflow(stored.to_dict() for stored in run.traces())
                link_prompts(loaded.values(), trace.ids, tracking_uri)
        except (StoreUnavailableError, TraceNotFoundError):
            console.out(f"\n\n{result}", highlight=False)
            raise
    console.out(f"\n\n{render_outline(trace)}\n{result}", highlight=False)
    console.out(f"read the trace: {ui_instruction()} {trace_url(trace)}", highlight=False)
    return not failed


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
