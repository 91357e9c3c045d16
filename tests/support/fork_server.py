"""Run Python programs in processes that are forked from one that has imported MLflow and openai.

Each program has a process of its own, without the three CPU seconds that these imports take. It
imports the project and CrewAI itself: CrewAI starts a thread on import, which no fork would have.
"""

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import IO

IMPORTED_MODULES = (
    "alembic.command",
    "git",
    "httpx",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.tracing.export.mlflow_v3",
    "mlflow.tracing.processor.mlflow_v3",
    "openai.resources",
    "rich.console",
)
TIMEOUT_S = 100


@dataclass(frozen=True)
class ForkServer:
    """A process that forks another one for each program.

    Attributes:
        requests: One JSON object per line: the code, the folder, the environment, the output files.
        exit_codes: One exit code per line; that of a program that a signal ended is negative.
    """

    requests: IO[str]
    exit_codes: IO[str]

    def run(
        self, code: str, folder: Path, environment: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program as `python -c CODE` in a folder does; a hanging one is ended by SIGALRM."""
        with TemporaryDirectory() as scratch:
            outputs = [Path(scratch, name) for name in ("stdout", "stderr")]
            request = [code, str(folder), dict(environment), [str(path) for path in outputs]]
            print(json.dumps(request), file=self.requests, flush=True)
            exit_code = int(self.exit_codes.readline())
            stdout, stderr = (path.read_text() for path in outputs)
        return subprocess.CompletedProcess(["-c"], exit_code, stdout, stderr)


@contextmanager
def start_fork_server() -> Generator[ForkServer]:
    """Start a server, which ends with the block."""
    command = [sys.executable, "-m", "tests.support.fork_server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield ForkServer(process.stdin, process.stdout)


def import_modules() -> None:
    """Import modules that start no thread, and exempt their objects from garbage collection."""
    for name in IMPORTED_MODULES:
        import_module(name)
    gc.collect()
    gc.freeze()


def serve_forks() -> str | None:
    """Fork a process per request; return its code in each, and None in the server at the end."""
    import_modules()
    for line in sys.stdin:
        code, folder, environment, outputs = json.loads(line)
        process_id = os.fork()
        if not process_id:
            _enter_program(folder, environment, outputs)
            return str(code)
        _, status = os.waitpid(process_id, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return None


def _enter_program(folder: str, environment: Mapping[str, str], outputs: Sequence[str]) -> None:
    files = [os.devnull, *outputs]
    for number, path in enumerate(files):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, sys.path[0] = ["-c"], ""
    sys.path[1:1] = environment.get("PYTHONPATH", "").split(os.pathsep)
    signal.alarm(TIMEOUT_S)


if __name__ == "__main__":
    program = serve_forks()
    if program is not None:
        sys.modules["__main__"] = main = ModuleType("__main__")
        exec(compile(program, "<string>", "exec"), vars(main))
