"""Write the Python module of an imported trace: a pytest test that replays it, or a scenario."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from instrumentation.trace import Trace, TraceNotFoundError
from instrumentation.trace.outline import render_outline
from scenarios.player.scenario_loader import CATALOG_FOLDER, load_scenario, scenario_names
from scenarios.reports.atomic_write import write_atomically
from scenarios.tape.placeholders import escape_placeholders
from scenarios.traces.trace_import.draft_expectations import Draft, draft_expectations, repr_text
from scenarios.traces.trace_import.traced_tape import TracedTape

RUN_PURPOSE = """\
A run that was imported from a trace: replayed offline, it must be as it was.

The expectations are drafts: remove what may change, and add what must not. The outline of the
trace:
"""
REGRESSION_PURPOSE = """\
A run that went wrong, imported from its trace: replayed offline, it must go better.

The test fails until that is so. A fix may change what the program asks, so the tape is tolerant.
The expectations are drafts. The outline of the trace:
"""
TEST_TEMPLATE = '''"""{purpose}

{outline}"""

{imports}


@pytest.mark.tape("{name}.jsonl"{options})
def test_{name}(trace):
{run}
    expect(
        trace,
{expectations}
    )
'''
COMMAND_TEMPLATE = """    subprocess.run({command}, check=True, timeout=120)"""
NO_EXPECTATION_COMMENT = "        # nothing in the trace could be drafted: add what must hold"
NO_COMMAND_CALL = """    pytest.fail("run your program here: OPENAI_BASE_URL leads to the tape")"""
SCENARIO_TEMPLATE = '''"""{title}

Imported from a trace. Say here what the run shows, and keep the expectations that must hold.
"""

from scenarios import expectations as expect
from scenarios.scenario import Scenario, Variant

SCENARIO = Scenario(
    workflow={workflow},
    task={task},
{services}    twin=Variant(),
    expect_twin=(
{expectations}
    ),
)
'''


def render_test(
    name: str,
    trace: Trace,
    drafts: Sequence[Draft],
    command: Sequence[str],
    purpose: str = RUN_PURPOSE,
) -> str:
    """Render a test module.

    Args:
        name: The name of the test, and of the tape beside it.
        trace: The trace; its outline is in the docstring.
        command: The program that the test runs; empty if a person is to fill it in.
        purpose: The beginning of the docstring: `RUN_PURPOSE` or `REGRESSION_PURPOSE`.
    """
    run = COMMAND_TEMPLATE.format(command=json.dumps(list(command))) if command else NO_COMMAND_CALL
    return TEST_TEMPLATE.format(
        purpose=purpose,
        options=", tolerant=True" if purpose == REGRESSION_PURPOSE else "",
        outline="".join(f"    {line}\n" for line in _outline_lines(trace)),
        imports=_imports(drafts, has_command=bool(command)),
        name=name,
        run=run,
        expectations="\n".join(f"        {draft}," for draft in drafts) or NO_EXPECTATION_COMMENT,
    )


def _outline_lines(trace: Trace) -> list[str]:
    """The outline as text of a docstring."""
    text = render_outline(trace).replace("\\", "\\\\").replace('"""', "'''")
    return text.splitlines()


def _imports(drafts: Sequence[Draft], *, has_command: bool) -> str:
    names = sorted({"expect", *(draft.function for draft in drafts)})
    standard = "import subprocess\n\n" if has_command else ""
    listed = "".join(f"    {name},\n" for name in names)
    return f"{standard}import pytest\nfrom flight_recorder.testing import (\n{listed})"


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
    write_atomically(module, _render_scenario(name, workflow, trace, tape))
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


def _render_scenario(name: str, workflow: str, trace: Trace, tape: TracedTape) -> str:
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
    return SCENARIO_TEMPLATE.format(**values)


def _services_of(workflow: str) -> tuple[str, ...]:
    """The services that other scenarios of the workflow answer from their tapes."""
    scenarios = (load_scenario(name) for name in scenario_names())
    return tuple(
        dict.fromkeys(
            service for one in scenarios if one.workflow == workflow for service in one.services
        )
    )
