"""A live run: a workflow on a real model, seen with the same instrumentation as a played one."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.console import Console

from instrumentation.trace import trace as traces
from instrumentation.trace.outline import render_outline
from instrumentation.trace.trace import TraceNotFoundError
from instrumentation.tracing import enable_tracing, record_run
from scenarios.player.live_settings import resolve_keys, resolve_props, resolve_services
from scenarios.player.scenario_loader import (
    ScenarioNotFoundError,
    load_scenario,
    resolve_workflow,
    scenario_names,
)
from scenarios.recording.recording_proxy import record_tape
from scenarios.replay.service_processes import ServiceProcesses, ServiceUnavailableError
from scenarios.reports.terminal_report import trace_url, ui_instruction
from scenarios.tape.tape import TapeError
from scenarios.trace_store.store_errors import translate_store_errors
from scenarios.trace_store.tracking_uri import StoreUnavailableError
from workflows.model import Model


def run_live(
    workflow: str,
    task: str,
    tracking_uri: str,
    tape: Path | None,
    services: Mapping[str, str],
    props: Mapping[str, Path],
    console: Console,
) -> bool:
    """Run a workflow on the model that the environment names, and print what its trace shows.

    With `tape`, what the model and the outside services answer is recorded there; `services` are
    addresses of theirs in place of the workflow's own, their keys are the environment's. `props`
    are folders to read settings from that are no text; a setting that is not among them is that of
    a scenario. Returns whether the workflow came to an end of its own; where a completion failed
    for good, its trace says why. Raises `ModelNotConfiguredError` or `NoScenario`.
    """
    lesson = workflow_reference(workflow)
    run = resolve_workflow(lesson)
    pages = [page for page in map(load_scenario, scenario_names()) if page.workflow == lesson]
    outside = resolve_services(lesson, pages, run, services)
    ours = {name: outside[name] for page in pages for name in page.processes}
    more = resolve_keys(run, outside) | resolve_props(lesson, pages, run, props)
    model = Model.from_environment()
    console.out(f"{workflow} on {model.name} at {model.base_url}", highlight=False)
    with enable_tracing(tracking_uri):
        with (
            record_run({"flight_recorder.workflow": workflow}) as seen,
            _recording_proxies(model, outside, tape) as (reached, addresses),
        ):
            if isinstance(run, type):
                instance: Any = run(reached, on_chunk=_make_printer(console), **addresses, **more)
                call = instance.run(task)
            else:
                call = run(task, reached, on_text=_make_printer(console), **addresses, **more)
            answer = asyncio.run(_await_result(call))
        with suppress(ServiceUnavailableError):  # the trace says so where a tool asked in vain
            ServiceProcesses(ours).flush()
        failed = isinstance(answer, Exception)
        told = f"it failed: {error_summary(answer)}" if failed else answer
        try:
            with translate_store_errors():
                trace = traces.trace_from_mlflow(found.to_dict() for found in seen.traces())
        except (StoreUnavailableError, TraceNotFoundError):
            console.out(f"\n\n{told}", highlight=False)
            raise
    console.out(f"\n\n{render_outline(trace)}\n{told}", highlight=False)
    console.out(f"read the trace: {ui_instruction()} {trace_url(trace)}", highlight=False)
    return not failed


def workflow_reference(workflow: str) -> str:
    """The object reference of a workflow, by the name of its file."""
    references = {load_scenario(name).workflow for name in scenario_names()}
    by_name = {found.partition(":")[0].rpartition(".")[2]: found for found in references}
    if workflow not in by_name:
        near = get_close_matches(workflow, by_name, n=1, cutoff=0.0)
        raise ScenarioNotFoundError(f"no workflow is named {workflow!r}; did you mean {near[0]}?")
    return by_name[workflow]


async def _await_result(running: Awaitable[Any]) -> Any:
    """The workflow's answer, or what it raised."""
    try:
        return await running
    except Exception as error:  # CrewAI raises just that, AutoGen a RuntimeError of what it met
        return error


def error_summary(error: Exception) -> str:
    """What an error says; some say nothing, as a timeout does."""
    return next(iter(str(error).splitlines()), type(error).__name__)


@contextmanager
def _recording_proxies(
    model: Model, outside: Mapping[str, str], tape: Path | None
) -> Generator[tuple[Model, Mapping[str, str]]]:
    """The model and the services themselves, or the ways to them that pass a recorder."""
    if tape is None:
        yield model, outside
        return
    _require_writable(tape)
    with ExitStack() as stack:
        way = stack.enter_context(record_tape(model.base_url, tape)).base_url
        ways = {
            name: stack.enter_context(record_tape(address, tape, lane=name)).base_url
            for name, address in outside.items()
        }
        yield replace(model, base_url=way), ways


def _require_writable(tape: Path) -> None:
    """What a live model says costs money: see that it can be written down before it is asked."""
    try:
        if tape.exists() and tape.stat().st_size:
            raise TapeError(f"{tape}: there is a tape already; remove it, or name another")
        tape.open("ab").close()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise TapeError(f"{tape}: cannot be written ({why})") from error


def _make_printer(console: Console) -> Callable[[str, str], None]:
    """A listener that prints what is said as it is said, and who says it when that changes."""
    speakers: list[str] = []

    def hear(agent: str, text: str) -> None:
        if speakers[-1:] != [agent]:
            speakers.append(agent)
            console.out(f"\n{agent}: ", end="", style="bold")
        console.out(text, end="", highlight=False)

    return hear
