"""A process that has imported the frameworks, and forks a Python program for each connection.

    python -m tests.support.forks.server SOCKET

Its programs are saved the CPU seconds that these imports take. CrewAI's telemetry, which would
start a thread that no fork has, is off in tests.
"""

import gc
import json
import os
import selectors
import signal
import socket
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from shutil import rmtree

from pydantic import BaseModel

from tests.support.forks.program import Program, replace_files, run_program

IMPORTED_MODULES = (
    "alembic.command",
    "chromadb.api.client",
    "crewai",
    "git",
    "httpx",
    "jinja2",
    "jsonschema",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.tracing.export.mlflow_v3",
    "mlflow.tracing.processor.mlflow_v3",
    "openai.resources",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "pydantic_settings",
    "rich.console",
    "tiktoken",
)
PROJECT_MODULES = ("flight_recorder.testing", "instrumentation.tracing", "scenarios.cli.app")


def import_modules(*more: str) -> None:
    """Import modules that start no thread, and exempt their objects from garbage collection."""
    for name in (*IMPORTED_MODULES, *more):
        import_module(name)
    _build_models("openai.types.chat.chat_completion")
    _build_models("openai.types.chat.chat_completion_chunk")
    assert threading.active_count() == 1, "a fork would not have these threads"
    gc.collect()
    gc.freeze()


def _build_models(module: str) -> None:
    """Build the models of a module, which threads of a program would do at once, and fail."""
    for model in vars(import_module(module)).values():
        if isinstance(model, type) and issubclass(model, BaseModel):
            model.model_rebuild()


def serve_forks(listener: socket.socket) -> Program | None:
    """Fork a process for each connection; return its program in each, and None at the end.

    The end is that of stdin. A connection carries the program with its stdin, stdout and stderr,
    then back the process id and the exit code, which is negative after a signal. A program whose
    client goes away is killed with its process group.
    """
    connections: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as events:
        events.register(sys.stdin, selectors.EVENT_READ)
        events.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in events.select():
                if key.fileobj is sys.stdin:
                    for id in connections:
                        os.killpg(id, signal.SIGKILL)
                    return None
                if key.fileobj is listener:
                    connection = listener.accept()[0]
                    program, files = _receive_program(connection)
                    if not (id := os.fork()):
                        for one in (listener, connection, *connections.values()):
                            one.close()
                        os.setpgrp()  # its children are killed with it
                        replace_files(files)
                        return program
                    with suppress(PermissionError):  # it has done so, and has executed a program
                        os.setpgid(id, id)
                    for file in files:
                        os.close(file)
                    connections[id] = connection
                    events.register(os.pidfd_open(id), selectors.EVENT_READ, id)
                    events.register(connection, selectors.EVENT_READ, id)
                    _send(connection, id)
                elif isinstance(key.fileobj, int):
                    events.unregister(key.fileobj)
                    os.close(key.fileobj)
                    connection = connections.pop(key.data)
                    if connection in events.get_map():
                        events.unregister(connection)
                    _report_exit(connection, key.data)
                elif key.data in connections:  # else it has just ended
                    events.unregister(key.fileobj)
                    os.killpg(key.data, signal.SIGKILL)


def _receive_program(connection: socket.socket) -> tuple[Program, list[int]]:
    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("r") as lines:
        return Program(**json.loads(lines.readline())), files


def _report_exit(connection: socket.socket, process_id: int) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1])
    with connection:
        _send(connection, code)


def _send(connection: socket.socket, number: int) -> None:
    with suppress(ConnectionError):  # the client was killed
        connection.sendall(b"%d\n" % number)


def main() -> None:
    """Serve until stdin ends; in a fork, run its program."""
    import_modules(*PROJECT_MODULES)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen(64)
        program = serve_forks(listener)
    if program:
        run_program(program)
    rmtree(Path(sys.argv[1]).parent)  # a worker of pytest ends without its exit functions


if __name__ == "__main__":
    main()
