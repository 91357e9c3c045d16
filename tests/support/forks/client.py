"""Runs as `python`: let the fork server run a Python program, with this process's files.

`forking_python.py` writes it to a file that a shell can execute, beside the server's socket. It
passes signals on and ends as the program ends. A command line with other options or
variables of Python, and one while no server is there, goes to the real Python.
"""

import json
import os
import signal
import socket
import sys
from types import FrameType

UNSUPPORTED_VARIABLES = (
    *("PYTHONHOME", "PYTHONINSPECT", "PYTHONIOENCODING", "PYTHONOPTIMIZE", "PYTHONSTARTUP"),
    *("PYTHONUTF8", "PYTHONWARNINGS"),
)
FORWARDED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def can_fork(arguments: list[str]) -> bool:
    """Whether the server can run a command line; it knows `-u`, `-c`, `-m` and files."""
    if any(map(os.environ.get, UNSUPPORTED_VARIABLES)):
        return False
    first = arguments[1:2] if arguments[:1] == ["-u"] else arguments[:1]
    return bool(first) and (
        (first[0] in ("-c", "-m") and len(arguments) > 1)
        or (not first[0].startswith("-") and os.path.isfile(first[0]))
    )


def run_in_fork(server: socket.socket, executable: str, arguments: list[str]) -> int:
    """Run a program in a fork of the server; return its exit code, negative after a signal."""
    program = {
        "arguments": arguments,
        "executable": executable,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "ignores_interrupts": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
    }
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED_SIGNALS)
    socket.send_fds(server, [b"."], [0, 1, 2])
    server.sendall(json.dumps(program).encode() + b"\n")
    with server.makefile("r") as lines:
        process_id = int(lines.readline())

        def forward(number: int, _: FrameType | None) -> None:
            os.kill(process_id, number)

        for number in FORWARDED_SIGNALS:
            signal.signal(number, forward)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED_SIGNALS)
        return int(lines.readline())


def main() -> None:
    """Run the program, and end with its exit code or by its signal."""
    executable, arguments = os.path.abspath(sys.argv[0]), sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as server:
        try:
            if not can_fork(arguments):
                raise FileNotFoundError
            server.connect(os.path.join(os.path.dirname(executable), "socket"))
        except (FileNotFoundError, ConnectionRefusedError):
            os.execv(sys.executable, [sys.executable, *arguments])
        code = run_in_fork(server, executable, arguments)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
