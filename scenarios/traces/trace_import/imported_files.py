"""Write the files of an imported trace: a tape, a test with its tape, or a scenario."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from instrumentation.trace import Trace
from scenarios.player.scenario_loader import CATALOG_FOLDER, workflow_reference
from scenarios.reports.atomic_write import FileNotWrittenError, write_atomically
from scenarios.reports.wording import count_of
from scenarios.traces.trace_import.draft_expectations import draft_expectations, draft_regression
from scenarios.traces.trace_import.module_writer import (
    REGRESSION_PURPOSE,
    RUN_PURPOSE,
    render_test,
    write_scenario,
)
from scenarios.traces.trace_import.traced_tape import TracedTape, import_trace

NOT_IN_A_NAME = re.compile(r"\W+")


@dataclass(frozen=True)
class ImportTarget:
    """Where an imported trace is written.

    Attributes:
        folder: The folder of the test and its tape.
        name: The name of the test or the scenario; by default that of the root span.
        tape: A file for the tape, if only that is wanted.
        workflow: The name of a workflow, if a scenario is wanted.
        command: The program that the test runs.
        is_regression: Whether the test says what should have happened, not what did.
        words: Texts that a right answer contains, for a regression test.
    """

    folder: Path = Path()
    name: str = ""
    tape: Path | None = None
    workflow: str = ""
    command: tuple[str, ...] = ()
    replace: bool = False
    is_regression: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportedTrace:
    """The files that were written, and the tape with its gaps."""

    source: str
    files: tuple[Path, ...]
    tape: TracedTape
    next_step: str

    def describe(self) -> Iterator[str]:
        lanes = Counter(str(line["lane"]) for line in self.tape.lines)
        counts = ", ".join(f"{lane} {count}" for lane, count in lanes.items()) or "none"
        yield f"{self.source}: {count_of(len(self.tape.lines), 'line')} ({counts})"
        yield from (f"  wrote {path}" for path in self.files)
        if self.tape.gaps:
            yield "The trace does not hold everything:"
        yield from (f"  - {gap}" for gap in self.tape.gaps)
        if not self.tape.is_complete:
            yield "The tape does not answer the whole run."
        yield f"Next: {self.next_step}"

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "files": [str(path) for path in self.files],
            "lines": len(self.tape.lines),
            "complete": self.tape.is_complete,
            "gaps": [asdict(gap) for gap in self.tape.gaps],
            "next": self.next_step,
        }


def write_import(trace: Trace, source: str, target: ImportTarget) -> ImportedTrace:
    """Import a trace and write its files.

    Args:
        source: The file or the id that it comes from.

    Raises:
        FileNotWrittenError: A file exists or cannot be written.
        ScenarioNotFoundError: There is no such workflow.
        TraceNotFoundError: A scenario is wanted, and the trace does not hold its task; or a
            regression test, and nothing says what went wrong.
    """
    tape = import_trace(trace)
    name = _to_name(target.name or trace.roots[-1].name)
    if target.workflow:
        if (CATALOG_FOLDER / name).exists() and not target.replace:
            raise FileNotWrittenError(
                f"{CATALOG_FOLDER / name}: the scenario exists; choose another --name, or replace"
                " its files with --force"
            )
        files = write_scenario(name, workflow_reference(target.workflow), trace, tape)
        return ImportedTrace(source, files, tape, f"python -m scenarios run {name}")
    if target.tape is not None:
        _write_tape(target.tape, tape, target.replace)
        step = f"python -m scenarios replay {target.tape} -- COMMAND"
        return ImportedTrace(source, (target.tape,), tape, step)
    test, path = target.folder / f"test_{name}.py", target.folder / f"{name}.jsonl"
    require_free(test, target.replace)
    is_regression = target.is_regression
    drafts = draft_regression(trace, target.words) if is_regression else draft_expectations(trace)
    module = render_test(
        name, trace, drafts, target.command, REGRESSION_PURPOSE if is_regression else RUN_PURPOSE
    )
    _write_tape(path, tape, target.replace)
    write_atomically(test, module)
    return ImportedTrace(source, (path, test), tape, f"python -m pytest {test}")


def _to_name(text: str) -> str:
    """A name for a file and a function."""
    name = NOT_IN_A_NAME.sub("_", text).strip("_").lower() or "run"
    return f"run_{name}" if name[0].isdigit() else name


def _write_tape(path: Path, tape: TracedTape, replace: bool) -> None:
    """Write a tape that only its owner can read: prompts are on it."""
    require_free(path, replace)
    write_atomically(path, tape.content.decode())
    path.chmod(0o600)


def require_free(path: Path, replace: bool) -> None:
    """Raise `FileNotWrittenError` if a file exists that must not be replaced."""
    try:
        exists = path.exists()
    except OSError as error:  # the name is too long for a file
        raise FileNotWrittenError(f"{path}: cannot be written ({error.strerror})") from error
    if exists and not replace:
        raise FileNotWrittenError(
            f"{path}: the file exists; choose another name, or replace it with --force"
        )
