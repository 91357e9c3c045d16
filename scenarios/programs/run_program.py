"""Run a program, pass its signals and exit code through, and list connections past our server."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from scenarios.programs.connections import watch_connections

STDERR_FD = 2
SIGNAL_EXIT_CODE = 128
"""A program that signal N ended has the exit code 128 + N, as in a shell."""


class ProgramNotStartedError(Exception):
    """The command could not be started."""


@dataclass(frozen=True)
class EndedProgram:
    """The exit code of a program, and the addresses to which it was connected, apart from ours."""

    exit_code: int
    other_connections: frozenset[str] = frozenset()


def run_program(
    command: Sequence[str],
    environment: Mapping[str, str],
    own_port: int,
    *,
    is_stdout_kept: bool = True,
) -> EndedProgram:
    """Run a command until it ends, also after Ctrl-C.

    Its input and output are those of this process. Call it in the main thread.

    Args:
        environment: Variables in addition to those of this process.
        own_port: The port of the server that the program is meant to use.
        is_stdout_kept: Whether the program's output goes to this process's stdout, not to stderr.

    Raises:
        ProgramNotStartedError: There is no such program, or it may not be executed.
    """
    try:
        process = subprocess.Popen(
            list(command),
            env=os.environ | environment,
            stdout=None if is_stdout_kept else STDERR_FD,
        )
    except OSError as error:
        raise ProgramNotStartedError(
            f"{command[0]}: cannot be started ({error.strerror}); the command follows after --,"
            " for example: -- python my_program.py"
        ) from error
    with _signals_passed_to(process), watch_connections(process.pid, own_port) as others:
        code = process.wait()
    return EndedProgram(SIGNAL_EXIT_CODE - code if code < 0 else code, frozenset(others))


@contextmanager
def _signals_passed_to(process: "subprocess.Popen[bytes]") -> Generator[None]:
    """Let the program decide what Ctrl-C and SIGTERM mean; this process waits for its end.

    On Ctrl-C, a terminal sends SIGINT to the program, too.
    """

    def pass_on(number: int, _: FrameType | None) -> None:
        is_terminal = sys.stdin is not None and sys.stdin.isatty()
        if number != signal.SIGINT or not is_terminal:
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
