"""A run's traces are found in a store with many experiments, and while the process ends."""

import sqlite3
import subprocess
from pathlib import Path

import mlflow
import pytest

from instrumentation.trace.lookup import fetch_run
from instrumentation.trace.store_search import list_experiments
from instrumentation.tracing import enable_tracing, record_run
from scenarios.traces.store.trace_argument import fetch_newest_run
from tests.support.forks.forking_python import forking_python
from tests.support.new_store import new_store

READS_AT_EXIT = """
import atexit, sys
import mlflow
from instrumentation.tracing import enable_tracing, record_run
enable_tracing(sys.argv[1], frameworks=())
with record_run() as run:
    for name in ("first", "second"):
        with mlflow.start_span(name):
            pass
atexit.register(lambda: print([trace.data.spans[0].name for trace in run.traces()]))
"""


@pytest.mark.long
def test_the_traces_of_a_run_are_found_while_the_process_ends(store: str) -> None:
    """No thread can be started then, and MLflow reads spans in threads."""
    command = [forking_python(), "-c", READS_AT_EXIT, store]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.stdout == "['first', 'second']\n", ended.stderr


def test_a_run_is_found_in_a_store_with_more_experiments_than_a_page(tmp_path: Path) -> None:
    uri = new_store(tmp_path)
    with (
        enable_tracing(uri, frameworks=(), experiment="oldest"),
        record_run() as run,
        mlflow.start_span("work"),
    ):
        pass
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        columns = [name for _, name, *_ in database.execute("pragma table_info(experiments)")]
        row = database.execute("select * from experiments where name = 'oldest'").fetchone()
        rows = []
        for number in range(1100):
            more = dict(zip(columns, row, strict=True))
            more |= {"experiment_id": 10 + number, "name": f"newer {number}"}
            more["last_update_time"] += 1
            rows.append(tuple(more.values()))
        database.executemany(
            f"insert into experiments values ({','.join('?' * len(columns))})", rows
        )
    assert len(list_experiments(mlflow.MlflowClient(uri))) == 1102
    assert len(run.traces()) == 1
    assert fetch_run(run.id, uri).root.name == "work"
    assert fetch_newest_run(uri).root.name == "work"
