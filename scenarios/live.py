"""A live run: a workflow on a real model, seen with the same instrumentation as a played one."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.console import Console

from instrumentation import trace as traces
from instrumentation.outline import outline
from instrumentation.tracing import recorded, traced
from scenarios.play import resolved
from scenarios.record import recording
from scenarios.report import address
from scenarios.shelf import NoScenario, load, names
from workflows.model import Model


def live(workflow: str, task: str, tracking_uri: str, tape: Path | None, console: Console) -> bool:
    """Run a workflow on the model that the environment names, and print what its trace shows.

    With `tape`, what the model answers is recorded there. Returns whether the workflow came to an
    end of its own; where a completion failed for good, its trace says why. Raises `NoModel` or
    `NoScenario`.
    """
    run = resolved(reference(workflow))
    model = Model.from_environment()
    console.print(f"{workflow} on {model.name} at {model.base_url}", markup=False)
    with traced(tracking_uri):
        with recorded({"flight.workflow": workflow}) as seen, _reached(model, tape) as reached:
            answer = asyncio.run(_ended(run(task, reached, on_text=_printed(console))))
        trace = traces.from_mlflow(found.to_dict() for found in seen.traces())
    console.print(f"\n\n{outline(trace)}\n{answer}", markup=False)
    console.print(f"read the trace: make ui, then open {address(trace)}", markup=False)
    return not isinstance(answer, RuntimeError)


def reference(workflow: str) -> str:
    """The object reference of a workflow, by the name of its file."""
    references = {load(name).workflow for name in names()}
    by_name = {found.partition(":")[0].rpartition(".")[2]: found for found in references}
    if workflow not in by_name:
        near = get_close_matches(workflow, by_name, n=1, cutoff=0.0)
        raise NoScenario(f"no workflow is named {workflow!r}; did you mean {near[0]}?")
    return by_name[workflow]


async def _ended(running: Awaitable[Any]) -> Any:
    """The workflow's answer, or the error in which AutoGen wraps what went wrong for good."""
    try:
        return await running
    except RuntimeError as error:
        return error


@contextmanager
def _reached(model: Model, tape: Path | None) -> Generator[Model]:
    """The model itself, or the way to it that passes the recorder."""
    if tape is None:
        yield model
        return
    with recording(model.base_url, tape) as recorder:
        yield replace(model, base_url=recorder.base_url)


def _printed(console: Console) -> Callable[[str, str], None]:
    """A listener that prints what is said as it is said, and who says it when that changes."""
    speakers: list[str] = []

    def hear(agent: str, text: str) -> None:
        if speakers[-1:] != [agent]:
            speakers.append(agent)
            console.print(f"\n[bold]{agent}[/bold]: ", end="")
        console.print(text, end="", markup=False)

    return hear
