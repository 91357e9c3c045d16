"""A new SQLite store is complete, even if the program that creates it is killed meanwhile."""

import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import mlflow
import pytest

from instrumentation.tracing import enable_tracing, record_run
from tests.support.forks.forking_python import forking_python

ROOT = Path(__file__).parents[3]
PROGRAM = "import sys; from instrumentation import enable_tracing; enable_tracing(sys.argv[1])"


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_creation_leaves_no_incomplete_store(
    tmp_path: Path, number: signal.Signals
) -> None:
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    program = subprocess.Popen(
        [forking_python(), "-c", PROGRAM, store],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    wait_for_migrations(tmp_path, program)
    program.send_signal(number)
    assert program.wait(60) != 0
    assert not (tmp_path / "mlflow.db").exists()
    with enable_tracing(store, frameworks=()), record_run() as run, mlflow.start_span("work"):
        pass
    assert len(run.traces()) == 1
    assert [path.name for path in tmp_path.glob("*mlflow.db*")] == ["mlflow.db"]


def wait_for_migrations(folder: Path, program: subprocess.Popen[bytes]) -> None:
    """Wait until several of the migrations are done."""
    deadline = time.monotonic() + 120
    while count_tables(folder) < 20:
        assert program.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)


def count_tables(folder: Path) -> int:
    for path in folder.glob("*mlflow.db*"):
        with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as database:
            return int(database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    return 0
