"""The team's store: started and stopped by the Makefile, and nothing is lost when it goes away."""

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scenarios.team_store import MlflowServer, PostgresServer, StoreFolder
from tests.scenarios.trace_store.test_tracking_uri import run_and_check
from tests.support.servers import find_free_port, is_postgres_installed

if not is_postgres_installed():
    pytest.skip("needs PostgreSQL: apt-get install postgresql", allow_module_level=True)

pytestmark = [pytest.mark.postgres, pytest.mark.long]

REPOSITORY = Path(__file__).parent.parent.parent.parent
WRITERS, SPANS, PAUSE_S = 8, 6, 0.6
FINISH_TIMEOUT_S = 200.0


@dataclass(frozen=True)
class StartedStore:
    """A store that `make store` has started."""

    folder: StoreFolder
    port: int
    said: str

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
    """Open a door of the Makefile, with this environment in place of the one that it sets up."""
    command = ["make", "--no-print-directory", "-o", ".venv/ready", target, f"RUN={sys.executable}"]
    command += [f"STORE={folder}", f"STORE_PORT={port}"]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def team() -> Generator[StartedStore]:
    folder, port = Path(tempfile.mkdtemp(prefix="flight-team-")), find_free_port()
    folder.chmod(0o711)  # where PostgreSQL's own user can enter
    try:
        started = run_make_target("store", folder / "store", port)
        assert started.returncode == 0, started.stdout + started.stderr
        yield StartedStore(StoreFolder(folder / "store"), port, started.stdout)
    finally:
        stopped = run_make_target("store-stop", folder / "store", port)
        shutil.rmtree(folder)
    assert "is stopped" in stopped.stdout


def test_it_says_how_to_use_it(team: StartedStore) -> None:
    assert team.said.splitlines()[-1] == f"export MLFLOW_TRACKING_URI={team.url}"


def test_to_start_it_twice_starts_one(team: StartedStore) -> None:
    again = run_make_target("store", team.folder.path, team.port)
    assert again.returncode == 0
    assert again.stdout.startswith("the store is up already;")


def test_a_database_that_was_stopped_is_started_and_its_server_with_it(team: StartedStore) -> None:
    team.database.stop()
    again = run_make_target("store", team.folder.path, team.port)
    assert again.stdout.startswith("the store is up;")
    assert team.database.is_running
    assert team.server.is_healthy


def test_a_port_in_use_is_told(team: StartedStore, tmp_path: Path) -> None:
    refused = run_make_target("store", team.folder.path.with_name("other"), team.port)
    assert f"something listens on 127.0.0.1:{team.port} already: make store" in refused.stderr


def test_a_store_that_is_not_up_is_not_stopped(tmp_path: Path) -> None:
    assert run_make_target("store-stop", tmp_path / "none", 1).stdout == "the store is not up\n"


def test_a_scenario_plays_into_it_by_the_tracking_uri_alone(team: StartedStore) -> None:
    run_and_check(team.url)


def test_its_password_is_its_owners_alone(team: StartedStore) -> None:
    kept = team.folder.path / "database" / "password"
    listed = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True, check=True)
    assert kept.read_text() not in listed.stdout + team.server.log_path.read_text()
    assert {path.stat().st_mode & 0o077 for path in (kept, kept.parent, team.server.log_path)} == {
        0
    }


@pytest.mark.timeout(300)
def test_eight_processes_write_while_it_is_killed_and_nothing_is_lost(team: StartedStore) -> None:
    numbers = map(str, (WRITERS, SPANS, PAUSE_S))
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.scenarios.team_store.trace_writers",
            team.url,
            "night",
            *numbers,
        ],
        cwd=REPOSITORY,
        env=os.environ | {"FLIGHT_RECORDER_STORE_TIMEOUT_S": "60"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        began = [process.stdout.readline() for _ in range(WRITERS)]
        if began != ["writing\n"] * WRITERS:
            pytest.fail(f"not all came up: {began}; {process.communicate()[1]}")
        wait_for_traces(2)
        team.server.send_signal(signal.SIGKILL)
        team.database.restart("immediate")
        again = run_make_target("store", team.folder.path, team.port)
        wait_for_traces(2)
        team.database.restart("fast")
        wait_for_traces(2)
        out, said = process.communicate(timeout=FINISH_TIMEOUT_S)
    assert again.returncode == 0, again.stderr
    told = [json.loads(line) for line in out.splitlines()]
    assert len(told) == WRITERS, said
    assert min(one["traces"] for one in told) >= 3
    written = {f"{one['name']}-{number}": SPANS for one in told for number in range(one["traces"])}
    assert stored_span_counts(team, "night-%") == written
    assert "lost (" not in said


def test_eight_processes_that_begin_at_once_write_to_one_experiment(team: StartedStore) -> None:
    query = """
        select distinct experiments.name from trace_info
        join experiments using (experiment_id) where trace_name like %s
    """
    assert team.rows(query, "night-%") == [("flight-recorder",)]


def wait_for_traces(traces: int) -> None:
    """Give each writer the time for more than so many traces."""
    time.sleep((traces + 0.5) * PAUSE_S)


def stored_span_counts(team: StartedStore, names: str) -> Counter[str]:
    """How many spans the store has of each trace, by the trace's name."""
    query = """
        select trace_name, count(*) from trace_info join spans on trace_id = request_id
        where trace_name like %s and trace_info.status = 'OK' group by request_id
    """
    found = team.rows(query, names)
    assert len({name for name, _ in found}) == len(found), "a trace is stored twice"
    return Counter(dict(found))
