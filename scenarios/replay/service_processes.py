"""Run services of `workflows/services/` in their own processes, while a `with` block runs."""

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

IMPORT_FOLDER = Path(__file__).parents[__name__.count(".")]
"""The folder that the top package of this module is imported from."""
START_TIMEOUT_S = 30.0
"""How long a service may take to print its address; most of it is the import of MLflow."""
STOP_TIMEOUT_S = 10.0
"""How long a service may take to store its spans and end."""


class ServiceUnavailableError(Exception):
    """A service did not start, or has ended. The message has its last output."""


@dataclass(frozen=True)
class ServiceProcesses:
    """The addresses of the running services, by name."""

    addresses: Mapping[str, str]

    def flush(self) -> None:
        """Let each service store its spans, so that traces are complete.

        Raises:
            ServiceUnavailableError: A service has ended; its last spans are lost.
        """
        for name, address in self.addresses.items():
            try:
                httpx.post(f"{address}/flush", timeout=START_TIMEOUT_S, trust_env=False)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                raise ServiceUnavailableError(
                    f"the service {name} at {address} is not running; its last spans are lost"
                ) from error


@contextmanager
def run_services(
    services: Mapping[str, tuple[str, ...]], tracking_uri: str
) -> Generator[ServiceProcesses]:
    """Start services, each on a free port, and stop them when the block ends.

    Args:
        services: Command-line arguments, by the name of the service's module.

    Raises:
        ServiceUnavailableError: A service did not print its address within `START_TIMEOUT_S`.
    """
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(_run_service(name, arguments, tracking_uri))
            for name, arguments in services.items()
        }
        yield ServiceProcesses({name: read_address() for name, read_address in started.items()})


@contextmanager
def _run_service(
    name: str, arguments: tuple[str, ...], tracking_uri: str
) -> Generator[Callable[[], str]]:
    """Run a service in a process; yield a function that waits for its address."""
    command = [sys.executable, "-m", f"workflows.services.{name}", "--port", "0", *arguments]
    paths = filter(None, (str(IMPORT_FOLDER), os.environ.get("PYTHONPATH")))
    environment = {"MLFLOW_TRACKING_URI": tracking_uri, "PYTHONPATH": os.pathsep.join(paths)}
    with (
        TemporaryFile("w+") as errors,
        subprocess.Popen(
            command,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # on Ctrl-C, the player stops it, when it is ready to
        ) as process,
    ):
        try:
            yield lambda: _read_address(name, process, errors)
        finally:
            _stop_process(process)


def _read_address(name: str, process: "subprocess.Popen[str]", errors: IO[str]) -> str:
    """Return the first line that the process prints."""
    assert process.stdout is not None
    timer = Timer(START_TIMEOUT_S, process.kill)
    timer.start()
    try:
        address = process.stdout.readline().strip()
    finally:
        timer.cancel()
    if not address:
        code = process.wait()
        errors.seek(0)
        output = errors.read().strip() or "nothing"
        raise ServiceUnavailableError(
            f"the service {name} did not start (exit code {code}); it printed:\n{output}"
        )
    return address


def _stop_process(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
