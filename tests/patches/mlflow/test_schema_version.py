"""A store of a newer MLflow is named as such in one sentence; an older one as MLflow does."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from instrumentation.tracing import enable_tracing
from tests.support.cli_runner import run_command
from tests.support.new_store import new_store

NEWER = "ffffffffffff"
"""A schema of an MLflow to come."""
OLDER = "451aebb31d03"
"""The schema of MLflow 0.9, the first one."""
SENTENCE = "the store was written by a newer MLflow than the installed 3."


def store_with_schema(folder: Path, version: str) -> str:
    """A store whose tables are said to be of this version, as another MLflow leaves it."""
    store = new_store(folder)
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))
    return store


def test_tracing_names_a_newer_store(tmp_path: Path) -> None:
    with pytest.raises(MlflowException) as raised:
        enable_tracing(store_with_schema(tmp_path, NEWER))
    message = str(raised.value)
    assert message.startswith(SENTENCE)
    assert message.endswith("(pip install --upgrade mlflow), or use another store")


@pytest.mark.parametrize(
    "command",
    [
        ("alerts",),
        ("search", "failed"),
        ("diagnose", "last"),
        ("diff", "last", "last"),
        ("monitor", "--once"),
        ("run", "review_goes_well"),
    ],
    ids=lambda command: command[0],
)
def test_a_command_names_a_newer_store(command: tuple[str, ...], tmp_path: Path) -> None:
    ended = run_command(store_with_schema(tmp_path, NEWER), *command)
    assert ended.exit_code == 2
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert SENTENCE in line
    assert "out-of-date" not in ended.stderr


def test_an_older_store_keeps_the_advice_to_migrate_it(tmp_path: Path) -> None:
    store = store_with_schema(tmp_path, OLDER)
    with pytest.raises(MlflowException, match=r"Detected out-of-date .*mlflow db upgrade"):
        enable_tracing(store)
    assert "mlflow db upgrade" in run_command(store, "alerts").stderr
