"""`MLFLOW_TRACKING_URI` is honoured: a scenario plays alike into PostgreSQL and a server."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.services import mlflow_server, postgres, postgres_bin
from tests.test_cli import scenarios

NAME = "summarizer_is_rate_limited"


@pytest.fixture
def server(tmp_path: Path) -> Generator[str]:
    with mlflow_server(tmp_path, f"sqlite:///{tmp_path / 'server.db'}") as url:
        yield url


@pytest.fixture
def database() -> Generator[str]:
    if postgres_bin() is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with postgres() as uri:
        yield uri


def plays_and_is_found_again(store: str) -> None:
    """Play a scenario through the front door, and check its trace by id in the same store."""
    done = scenarios("run", NAME, "--json", store=store)
    assert done.returncode == 0, done.stdout + done.stderr
    fixed = json.loads(done.stdout)["variants"][1]["trace_id"]
    judged = scenarios("check", NAME, "--trace", fixed, store=store)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_a_server_keeps_the_trace(server: str) -> None:
    plays_and_is_found_again(server)


@pytest.mark.postgres
def test_postgresql_keeps_the_trace(database: str) -> None:
    plays_and_is_found_again(database)
