"""Processes: the services of workflows/services/ that a play needs, each started for it."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import IO

import httpx

REPOSITORY = Path(__file__).parent.parent.parent
START_TIMEOUT_S = 30.0
"""How long a service may take to say where it is; most of it is the import of MLflow."""
STOP_TIMEOUT_S = 10.0
"""How long it may take to store its spans and end, once it is told to."""


class ServiceUnavailableError(Exception):
    """Raised when a service does not come up, or is gone; says what it said last."""


@dataclass(frozen=True)
class ServiceProcesses:
    """The services that run, by name: their addresses."""

    addresses: Mapping[str, str]

    def flush(self) -> None:
        """Have each store what it traced until now, so that a trace can be read whole."""
        for name, address in self.addresses.items():
            try:
                httpx.post(f"{address}/flush", timeout=START_TIMEOUT_S, trust_env=False)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                raise ServiceUnavailableError(
                    f"{name} is gone from {address}, and its spans are lost"
                ) from error


@contextmanager
def run_services(
    services: Mapping[str, tuple[str, ...]], tracking_uri: str
) -> Generator[ServiceProcesses]:
    """Start each service, by name, with its arguments, at a free port; end them with the block.

    Their spans go to the same store as the caller's. Raises `NotUp` if one does not say in 30 s
    where it is.
    """
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(_run_service(name, arguments, tracking_uri))
            for name, arguments in services.items()
        }
        yield ServiceProcesses({name: address() for name, address in started.items()})


@contextmanager
def _run_service(
    name: str, arguments: tuple[str, ...], tracking_uri: str
) -> Generator[Callable[[], str]]:
    """A service in a process of its own; yields what waits for its address."""
    command = [sys.executable, "-m", f"workflows.services.{name}", "--port", "0", *arguments]
    paths = filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH")))
    own = {"MLFLOW_TRACKING_URI": tracking_uri, "PYTHONPATH": os.pathsep.join(paths)}
    with (
        TemporaryFile("w+") as errors,
        subprocess.Popen(
            command,
            env=os.environ | own,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C is the player's, who ends it in his own time
        ) as process,
    ):
        try:
            yield lambda: _read_address(name, process, errors)
        finally:
            _stop_process(process)


def _read_address(name: str, process: "subprocess.Popen[str]", errors: IO[str]) -> str:
    """The first line that it prints; there is none once it has ended."""
    assert process.stdout is not None
    too_late = Timer(START_TIMEOUT_S, process.kill)
    too_late.start()
    try:
        said = process.stdout.readline().strip()
    finally:
        too_late.cancel()
    if not said:
        code = process.wait()
        errors.seek(0)
        last = errors.read().strip() or "nothing"
        raise ServiceUnavailableError(
            f"the service {name} did not come up (exit code {code}); it said:\n{last}"
        )
    return said


def _stop_process(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
