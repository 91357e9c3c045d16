"""A long flush at the end of a process shows what is left, and Ctrl-C ends it with its losses."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scenarios.replay.http_server.server import HOST
from tests.support.servers import find_free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

SPANS, TRACES = 6, 3
PROGRAM = """
import signal, sys, mlflow
from instrumentation.tracing_setup.sigterm import handle_sigterm
from instrumentation.tracing import enable_tracing

signal.signal(signal.SIGINT, signal.default_int_handler)
with handle_sigterm():
    enable_tracing(sys.argv[1], frameworks=())
    for _ in range(3):
        with mlflow.start_span("root"), mlflow.start_span("child"):
            pass
    print("done", file=sys.stderr, flush=True)
"""
TIMEOUT_S = "6"
"""How long the process waits for its store."""


@pytest.fixture
def program() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A program that ends while its store is unreachable, and its terminal."""
    terminal, stderr = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, f"http://{HOST}:{find_free_port()}"],
        cwd=Path(__file__).parent.parent.parent.parent,
        env=os.environ
        | {"FLIGHT_RECORDER_STORE_TIMEOUT_S": TIMEOUT_S, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"},
        stderr=stderr,
    ) as process:
        os.close(stderr)
        yield process, terminal
        process.kill()
    os.close(terminal)


def read_until(terminal: int, text: str) -> str:
    """Read the terminal until it shows a text, or until the program ends."""
    output = ""
    with suppress(OSError):  # how Linux reports that the other end is closed
        while text not in output:
            output += os.read(terminal, 1000).decode()
    return output


def test_a_flush_shows_the_spans_and_traces_that_are_left(
    program: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, terminal = program
    output = read_until(terminal, "the end")
    assert f"{SPANS} spans and {TRACES} traces left to store" in output
    assert f"{SPANS} spans of {TRACES} traces could not be stored" in output
    assert "Traceback" not in output
    assert process.wait(30) == 0


def test_an_interrupted_flush_says_what_is_lost_and_ends(
    program: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, terminal = program
    read_until(terminal, "left to store")
    process.send_signal(signal.SIGINT)
    output = read_until(terminal, "the end")
    lost = f"interrupted: {SPANS} spans and {TRACES} traces could not be stored and are lost"
    assert lost in output
    assert "Traceback" not in output
    assert "all are stored" not in output
