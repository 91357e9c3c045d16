"""Write a scenario folder from a trace: the tape, and `scenario.py` with drafted expectations."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from instrumentation.trace import Trace, TraceNotFoundError
from scenarios.player.scenario_loader import CATALOG_FOLDER, load_scenario, scenario_names
from scenarios.reports.atomic_write import write_atomically
from scenarios.tape.placeholders import escape_placeholders
from scenarios.traces.trace_import.draft_expectations import draft_expectations, repr_text
from scenarios.traces.trace_import.traced_tape import TracedTape

MODULE_TEMPLATE = '''"""{title}

Imported from a trace. Say here what the run shows, and keep the expectations that must hold.
"""

from scenarios import expectations as expect
from scenarios.scenario import Scenario, Variant

SCENARIO = Scenario(
    failure_mode="none",
    source="none",
    workflow={workflow},
    task={task},
{services}    twin=Variant(),
    expect_twin=(
{expectations}
    ),
)
'''


def write_scenario(
    name: str, workflow: str, trace: Trace, tape: TracedTape, catalog: Path = CATALOG_FOLDER
) -> tuple[Path, ...]:
    """Write the folder of a scenario; returns its files.

    Args:
        name: The name of the scenario: a plain sentence in snake case.
        workflow: The workflow, as `package.module:Class`.
        tape: The tape that was made of it.
        catalog: The folder of all scenarios.

    Raises:
        TraceNotFoundError: The trace does not hold its task.
        FileNotWrittenError: A file could not be written.
    """
    folder = catalog / name
    folder.mkdir(exist_ok=True)
    module = folder / "scenario.py"
    write_atomically(folder / "tape.jsonl", tape.content.decode())
    write_atomically(module, _render_module(name, workflow, trace, tape))
    load_scenario(name, catalog)
    return folder / "tape.jsonl", module


def find_task(trace: Trace) -> str:
    """The task of a run; of a session, one message per line.

    Raises:
        TraceNotFoundError: A root span holds neither a task nor messages.
    """
    return "\n".join(_task_of(root.inputs) for root in trace.roots)


def _task_of(inputs: Any) -> str:
    match inputs:
        case {"task": str(task)}:
            return task
        case {"messages": [*_, {"content": str(message)}]}:
            return message
        case str(task):
            return task
        case _:
            raise TraceNotFoundError(
                'the root span holds no task: expected inputs such as {"task": "…"} or'
                f' {{"messages": […]}}, found {str(inputs)[:80]}'
            )


def _render_module(name: str, workflow: str, trace: Trace, tape: TracedTape) -> str:
    drafts = draft_expectations(trace)
    task = escape_placeholders(find_task(trace))
    services = _services_of(workflow) if any("method" in line for line in tape.lines) else ()
    title = name.replace("_", " ").capitalize() + "."
    values: Mapping[str, str] = {
        "title": title,
        "workflow": repr_text(workflow),
        "task": repr_text(task),
        "services": f"    services={services!r},\n" if services else "",
        "expectations": "\n".join(f"        expect.{draft}," for draft in drafts),
    }
    return MODULE_TEMPLATE.format(**values)


def _services_of(workflow: str) -> tuple[str, ...]:
    """The services that other scenarios of the workflow answer from their tapes."""
    scenarios = (load_scenario(name) for name in scenario_names())
    return tuple(
        dict.fromkeys(
            service for one in scenarios if one.workflow == workflow for service in one.services
        )
    )
