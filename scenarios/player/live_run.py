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
from instrumentation.trace.outline import outline
from instrumentation.trace.trace import NoTrace
from instrumentation.tracing import recorded, traced
from scenarios.player.live_settings import keys_of, props_of, services_of
from scenarios.player.run import resolved
from scenarios.player.scenario_loader import NoScenario, load, names
from scenarios.recording.recording_proxy import recording
from scenarios.replay.service_processes import NotUp, Processes
from scenarios.reports.terminal_report import address, opening
from scenarios.tape.tape import TapeError
from scenarios.trace_store.store_errors import answering
from scenarios.trace_store.tracking_uri import NoStore
from workflows.model import Model


def live(
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
    for good, its trace says why. Raises `NoModel` or `NoScenario`.
    """
    lesson = reference(workflow)
    run = resolved(lesson)
    pages = [page for page in map(load, names()) if page.workflow == lesson]
    outside = services_of(lesson, pages, run, services)
    ours = {name: outside[name] for page in pages for name in page.processes}
    more = keys_of(run, outside) | props_of(lesson, pages, run, props)
    model = Model.from_environment()
    console.out(f"{workflow} on {model.name} at {model.base_url}", highlight=False)
    with traced(tracking_uri):
        with (
            recorded({"flight.workflow": workflow}) as seen,
            _reached(model, outside, tape) as (reached, addresses),
        ):
            call = run(task, reached, on_text=_printed(console), **addresses, **more)
            answer = asyncio.run(_ended(call))
        with suppress(NotUp):  # the trace says so where a tool asked in vain
            Processes(ours).flush()
        failed = isinstance(answer, Exception)
        told = f"it failed: {first_line(answer)}" if failed else answer
        try:
            with answering():
                trace = traces.from_mlflow(found.to_dict() for found in seen.traces())
        except (NoStore, NoTrace):
            console.out(f"\n\n{told}", highlight=False)
            raise
    console.out(f"\n\n{outline(trace)}\n{told}", highlight=False)
    console.out(f"read the trace: {opening()} {address(trace)}", highlight=False)
    return not failed


def reference(workflow: str) -> str:
    """The object reference of a workflow, by the name of its file."""
    references = {load(name).workflow for name in names()}
    by_name = {found.partition(":")[0].rpartition(".")[2]: found for found in references}
    if workflow not in by_name:
        near = get_close_matches(workflow, by_name, n=1, cutoff=0.0)
        raise NoScenario(f"no workflow is named {workflow!r}; did you mean {near[0]}?")
    return by_name[workflow]


async def _ended(running: Awaitable[Any]) -> Any:
    """The workflow's answer, or what it raised."""
    try:
        return await running
    except Exception as error:  # CrewAI raises just that, AutoGen a RuntimeError of what it met
        return error


def first_line(error: Exception) -> str:
    """What an error says; some say nothing, as a timeout does."""
    return next(iter(str(error).splitlines()), type(error).__name__)


@contextmanager
def _reached(
    model: Model, outside: Mapping[str, str], tape: Path | None
) -> Generator[tuple[Model, Mapping[str, str]]]:
    """The model and the services themselves, or the ways to them that pass a recorder."""
    if tape is None:
        yield model, outside
        return
    _writable(tape)
    with ExitStack() as stack:
        way = stack.enter_context(recording(model.base_url, tape)).base_url
        ways = {
            name: stack.enter_context(recording(address, tape, lane=name)).base_url
            for name, address in outside.items()
        }
        yield replace(model, base_url=way), ways


def _writable(tape: Path) -> None:
    """What a live model says costs money: see that it can be written down before it is asked."""
    try:
        if tape.exists() and tape.stat().st_size:
            raise TapeError(f"{tape}: there is a tape already; remove it, or name another")
        tape.open("ab").close()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise TapeError(f"{tape}: cannot be written ({why})") from error


def _printed(console: Console) -> Callable[[str, str], None]:
    """A listener that prints what is said as it is said, and who says it when that changes."""
    speakers: list[str] = []

    def hear(agent: str, text: str) -> None:
        if speakers[-1:] != [agent]:
            speakers.append(agent)
            console.out(f"\n{agent}: ", end="", style="bold")
        console.out(text, end="", highlight=False)

    return hear
