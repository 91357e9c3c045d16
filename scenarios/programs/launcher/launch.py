"""Replace this process by a program that is traced from its first line.

The program is started as plain Python would start it, with one more folder in PYTHONPATH: Python
imports `sitecustomize` from there before it runs the program. So arguments, `__main__`, tracebacks,
signals and the exit code are the program's own. `opentelemetry-instrument` works in the same way.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

from instrumentation.input_file import file_kind
from scenarios.programs.run_program import ProgramNotStartedError

HOOK_FOLDER = Path(__file__).parent / "site_hook"
SETTINGS_VARIABLE = "FLIGHT_RECORDER_TRACE"
SQLITE_PREFIX = "sqlite:///"


@dataclass(frozen=True)
class TraceSettings:
    """How a program is traced. They travel to it in an environment variable.

    Attributes:
        tags: Tags for each trace.
        children: Whether Python programs that the program starts are traced, too.
        run_id: The id of the run, which the traces of all its processes have.
        python_path: The program's own PYTHONPATH; None if it is not set.
        is_child: Whether the process was started by a traced program.
    """

    store: str
    experiment: str = "flight-recorder"
    tags: Mapping[str, str] = field(default_factory=dict)
    children: bool = False
    run_id: str = field(default_factory=lambda: uuid4().hex)
    python_path: str | None = field(default_factory=lambda: os.environ.get("PYTHONPATH"))
    is_child: bool = False

    def to_environment(self) -> dict[str, str]:
        """The variables that let a Python program start traced."""
        return {
            SETTINGS_VARIABLE: json.dumps(asdict(self)),
            "PYTHONPATH": hooked_python_path(self.python_path),
        }


def hooked_python_path(python_path: str | None) -> str:
    """The PYTHONPATH that lets a Python program import `site_hook/sitecustomize.py` first."""
    paths = python_path.split(os.pathsep) if python_path else []
    return os.pathsep.join([str(HOOK_FOLDER), *(one for one in paths if one != str(HOOK_FOLDER))])


def launch(command: Sequence[str], settings: TraceSettings) -> NoReturn:
    """Replace this process by the program.

    Args:
        command: `app.py ARGS…`, `-m MODULE ARGS…`, or a command on PATH that runs in Python.

    Raises:
        ProgramNotStartedError: There is no such file or command.
    """
    words = complete_command(command)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(words[0], words, os.environ | settings.to_environment())


def complete_command(command: Sequence[str]) -> list[str]:
    """The program to execute, with its absolute path, and its arguments."""
    name = command[0]
    if name == "-m" or (Path(name).is_file() and not os.access(name, os.X_OK)):
        return [sys.executable, *command]
    if Path(name).is_dir() or name.endswith((".py", ".pyz")):
        path = Path(name)
        if path.exists() and not (path.is_file() or path.is_dir()):
            kind = file_kind(path.stat().st_mode)
            raise ProgramNotStartedError(f"{name}: it is {kind}; expected a Python script")
        if not path.exists():
            raise ProgramNotStartedError(
                f"{name}: there is no such file in {Path.cwd()}; expected a Python script,"
                " -m MODULE, or a command on PATH"
            )
        return [sys.executable, *command]
    if (program := shutil.which(name)) is None:
        raise ProgramNotStartedError(
            f"{name}: there is no such file or command; expected a Python script, -m MODULE, or a"
            " command on PATH"
        )
    return [program, *command[1:]]


def absolute_store(uri: str) -> str:
    """The URI, with an absolute path of a SQLite file: the program may change its folder."""
    if uri.startswith(SQLITE_PREFIX) and not uri.startswith(f"{SQLITE_PREFIX}/"):
        return f"{SQLITE_PREFIX}{Path(uri.removeprefix(SQLITE_PREFIX)).absolute()}"
    return uri
