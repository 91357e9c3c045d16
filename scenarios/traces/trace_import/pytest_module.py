"""Render a pytest module that replays an imported trace and checks drafted expectations."""

import json
from collections.abc import Sequence

from instrumentation.trace import Trace
from instrumentation.trace.outline import render_outline
from scenarios.traces.trace_import.draft_expectations import Draft

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
MODULE_TEMPLATE = '''"""{purpose}

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
    return MODULE_TEMPLATE.format(
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
