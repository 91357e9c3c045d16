"""What tests share: one MLflow store a worker, for a new one costs seconds, and quiet."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis  # noqa: F401 # else its plugin brings it as the session ends: see _swept
import pytest

from scenarios.cli.quiet_frameworks import ENVIRONMENT, quiet_frameworks


def pytest_configure() -> None:
    """Set what CrewAI and MLflow read as a test module imports them; and let Ctrl-C be heard, which
    a shell keeps from what it runs in the background, and from all that this starts."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin what takes long, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tracking URI of a SQLite store that the tests of one worker share."""
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> Iterator[None]:
    with quiet_frameworks():
        yield


@pytest.fixture(scope="module", autouse=True)
def _swept() -> Iterator[None]:
    """Finalise what a module's tests have dropped, before anything else is imported.

    Clients that are dropped open complain with a traceback. On Python 3.11 that breaks an import in
    whose parsing the garbage happens to be collected: "AST constructor recursion depth mismatch".
    """
    yield
    gc.collect()


@pytest.fixture
def house() -> Path:
    """The top folder of the repository."""
    return Path(__file__).parent.parent
