"""What tests share: one MLflow store a worker, for a new one costs seconds, and quiet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.quiet import quieted


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tracking URI of a SQLite store that the tests of one worker share."""
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> Iterator[None]:
    with quieted():
        yield


@pytest.fixture
def house() -> Path:
    """The top folder of the repository."""
    return Path(__file__).parent.parent
