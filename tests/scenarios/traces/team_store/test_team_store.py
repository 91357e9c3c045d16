"""`make store` and `make store-stop`; no trace is lost when the store is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scenarios.traces.team_store import MlflowServer, PostgresServer, StoreFolder
from tests.scenarios.traces.store.test_tracking_uri import run_and_check
from tests.support.servers import find_free_port, is_postgres_installed

if not is_postgres_installed():
    pytest.skip("needs PostgreSQL: apt-get install postgresql", allow_module_level=True)

pytestmark = [pytest.mark.postgres, pytest.mark.long]

REPOSITORY = Path(__file__).parents[4]
WRITERS, SPANS, PAUSE_S = 8, 6, 0.6
FINISH_TIMEOUT_S = 200.0


@dataclass(frozen=True)
class StartedStore:
    """A store that was started by `make store`."""

    folder: StoreFolder
    port: int
    output: str

    @property
    def database(self) -> PostgresServer:
        return PostgresServer(self.folder)

    @property
    def server(self) -> MlflowServer:
        return MlflowServer(self.folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        uri = self.database.uri.replace("+psycopg", "")
        with psycopg.connect(uri) as connection:
            return connection.execute(query.encode(), values).fetchall()


def run_make_target(target: str, folder: Path, port: int) -> "subprocess.CompletedProcess[str]":
    """Run a make target with the Python that runs the tests."""
    command = ["make", "--no-print-directory", "-o", ".venv/ready", target, f"RUN={sys.executable}"]
    command += [f"STORE={folder}", f"STORE_PORT={port}"]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def team() -> Generator[StartedStore]:
    folder, port = Path(tempfile.mkdtemp(prefix="flight-team-")), find_free_port()
    folder.chmod(0o711)  # so that PostgreSQL's user can enter
    try:
        started = run_make_target("store", folder / "store", port)
        assert started.returncode == 0, started.stdout + started.stderr
        yield StartedStore(StoreFolder(folder / "store"), port, started.stdout)
    finally:
        stopped = run_make_target("store-stop", folder / "store", port)
        shutil.rmtree(folder)
    assert "is stopped" in stopped.stdout


def test_it_prints_how_to_use_it(team: StartedStore) -> None:
    assert team.output.splitlines()[-1] == f"export MLFLOW_TRACKING_URI={team.url}"


def test_a_second_start_changes_nothing(team: StartedStore) -> None:
    again = run_make_target("store", team.folder.path, team.port)
    assert again.returncode == 0
    assert again.stdout.startswith("the store is already running;")


def test_a_stopped_database_is_started_again_with_its_server(team: StartedStore) -> None:
    team.database.stop()
    again = run_make_target("store", team.folder.path, team.port)
    assert again.stdout.startswith("the store is running;")
    assert team.database.is_running
    assert team.server.is_healthy


def test_a_port_in_use_is_reported(team: StartedStore, tmp_path: Path) -> None:
    refused = run_make_target("store", team.folder.path.with_name("other"), team.port)
    assert f"port {team.port} of 127.0.0.1 is in use" in refused.stderr


def test_a_store_that_is_not_running_cannot_be_stopped(tmp_path: Path) -> None:
    assert (
        run_make_target("store-stop", tmp_path / "none", 1).stdout == "the store is not running\n"
    )


def test_a_scenario_writes_to_it_with_only_the_tracking_uri_set(team: StartedStore) -> None:
    run_and_check(team.url)


def test_only_the_owner_can_read_the_password(team: StartedStore) -> None:
    password = team.folder.path / "database" / "password"
    listed = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True, check=True)
    assert password.read_text() not in listed.stdout + team.server.log_path.read_text()
    assert {
        path.stat().st_mode & 0o077 for path in (password, password.parent, team.server.log_path)
    } == {0}


@pytest.mark.timeout(300)
def test_no_trace_of_eight_processes_is_lost_when_the_store_is_killed(team: StartedStore) -> None:
    with run_writers(team.url, "night") as process:
        wait_for_traces(2)
        team.server.send_signal(signal.SIGKILL)
        team.database.restart("immediate")
        again = run_make_target("store", team.folder.path, team.port)
        wait_for_traces(2)
        team.database.restart("fast")
        wait_for_traces(2)
        output, errors = process.communicate(timeout=FINISH_TIMEOUT_S)
    assert again.returncode == 0, again.stderr
    writers = [json.loads(line) for line in output.splitlines()]
    assert len(writers) == WRITERS, errors
    assert min(writer["traces"] for writer in writers) >= 3
    written = {
        f"{writer['name']}-{number}": SPANS
        for writer in writers
        for number in range(writer["traces"])
    }
    assert stored_span_counts(team, "night-%") == written
    assert "lost (" not in errors


def test_eight_processes_that_start_together_write_to_one_experiment(team: StartedStore) -> None:
    query = """
        select distinct experiments.name from trace_info
        join experiments using (experiment_id) where trace_name like %s
    """
    assert team.rows(query, "night-%") == [("flight-recorder",)]


@contextmanager
def run_writers(url: str, name: str) -> Generator["subprocess.Popen[str]"]:
    """Start the writers; end them with the block. After an error, add their stacks to it."""
    command = [sys.executable, "-m", "tests.scenarios.traces.team_store.trace_writers", url, name]
    with subprocess.Popen(
        command + [str(number) for number in (WRITERS, SPANS, PAUSE_S)],
        cwd=REPOSITORY,
        env=os.environ | {"FLIGHT_RECORDER_STORE_TIMEOUT_S": "60"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            for _ in range(WRITERS):
                assert process.stdout.readline() == "writing\n"
            yield process
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGABRT)  # prints the stacks
            output, errors = process.communicate(timeout=30)
            error.add_note(f"The writers printed:\n{output}\n{errors}")
            raise


def wait_for_traces(traces: int) -> None:
    """Wait until each writer has had time for more than this number of traces."""
    time.sleep((traces + 0.5) * PAUSE_S)


def stored_span_counts(team: StartedStore, names: str) -> Counter[str]:
    """Return the number of stored spans of each trace, by the trace's name."""
    query = """
        select trace_name, count(*) from trace_info join spans on trace_id = request_id
        where trace_name like %s and trace_info.status = 'OK' group by request_id
    """
    found = team.rows(query, names)
    assert len({name for name, _ in found}) == len(found), "a trace is stored twice"
    return Counter(dict(found))
