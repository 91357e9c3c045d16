"""Run a Python program in a forked process as Python would run it in a new one."""

import atexit
import os
import runpy
import signal
import site
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import NoReturn

PROJECT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Program:
    """A command line of Python, and where and how it runs.

    Attributes:
        arguments: `FILE ARGS…`, `-c CODE ARGS…` or `-m MODULE ARGS…`.
        executable: The file that was executed as Python; `sys.executable` in the program.
        folder: Its working directory.
        environment: Its environment variables.
        ignores_interrupts: Whether it starts with SIGINT ignored, as in the background of a shell.
    """

    arguments: Sequence[str]
    executable: str
    folder: str
    environment: Mapping[str, str]
    ignores_interrupts: bool


def run_program(program: Program) -> NoReturn:
    """Run a program in this process as Python would, and end the process."""
    os.chdir(program.folder)
    os.environ.clear()
    os.environ.update(program.environment)
    interrupt = signal.SIG_IGN if program.ignores_interrupts else signal.default_int_handler
    signal.signal(signal.SIGINT, interrupt)
    sys.executable = program.executable
    sys.modules["__main__"] = main = ModuleType("__main__")
    arguments = list(program.arguments)
    if has_option := arguments[0] == "-u":
        del arguments[0]
    _open_streams(has_option or bool(os.environ.get("PYTHONUNBUFFERED")))
    kind = arguments.pop(0) if arguments[0] in ("-c", "-m") else ""
    name, *sys.argv[1:] = arguments
    sys.argv[0] = kind or name
    first = {"-c": "", "-m": os.getcwd()}.get(kind, str(Path(name).resolve().parent))
    own = [os.path.abspath(one) for one in os.environ.get("PYTHONPATH", "").split(":") if one]
    sys.path[:] = [first, *dict.fromkeys([*own, *sys.path[1:]])]
    if not any(Path(folder).resolve() == PROJECT for folder in sys.path):
        _forget_project()
    site.execsitecustomize()  # Python calls it before a program
    _end(_execute(kind, name, main))


def _open_streams(is_unbuffered: bool) -> None:
    """Replace the streams of the server, which has other files."""
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 # open as long as the process runs
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 # open as long as the process runs
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    sys.stdout.reconfigure(write_through=is_unbuffered, line_buffering=sys.stdout.isatty())


def _forget_project() -> None:
    """Forget the imported modules of the project."""
    packages = {package.parent.name for package in PROJECT.glob("*/__init__.py")}
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]


def _execute(kind: str, name: str, main: ModuleType) -> int:
    """Execute code, a module or a file as `__main__`; return the exit code, negative for SIGINT."""
    try:
        if kind == "-m":
            runpy._run_module_as_main(name)  # type: ignore[attr-defined] # as `python -m` does
        elif kind == "-c":
            exec(compile(name, "<string>", "exec"), vars(main))
        else:
            main.__file__ = os.path.abspath(name)
            exec(compile(Path(name).read_bytes(), main.__file__, "exec"), vars(main))
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException as error:
        trace = error.__traceback__ and error.__traceback__.tb_next  # without this function
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
        sys.stdout.flush()
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _end(code: int) -> NoReturn:
    """End as Python does, but leave the modules as they are: taking them apart takes as long."""
    threading._shutdown()  # type: ignore[attr-defined] # it waits for threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code & 255)


def replace_files(files: Sequence[int]) -> None:
    """Make the files stdin, stdout and stderr of this process."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
