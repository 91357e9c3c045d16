"""The dashboard: `make ui` over a store, and a scenario's trace in it as a person sees it."""

import os
import signal
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no annotations
import pytest

from scenarios.player.run import run_scenario
from scenarios.reports.terminal_report import UI_URL, trace_url
from tests.support.browser import find_chromium, read_span_tree
from tests.support.servers import find_free_port, is_postgres_installed, postgres_database

if find_chromium() is None:
    pytest.skip(
        "needs Chromium, none is downloaded: apt-get install chromium", allow_module_level=True
    )

pytestmark = [pytest.mark.browser, pytest.mark.long]

PLAYED = "summarizer_never_sees_the_draft"
SECRET = "a-password-in-the-address"
PATIENCE_S = 60.0
"""How long a busy machine may take to start a server."""


@dataclass(frozen=True)
class Ui:
    """What `make ui` has started: its address, the process of make, and what it printed."""

    url: str
    make: psutil.Process
    log: Path

    @property
    def servers(self) -> list[psutil.Process]:
        """The processes that are no make and no shell."""
        below = self.make.children(recursive=True)
        return [process for process in below if "python" in process.exe()]


@contextmanager
def made(store: str, log: Path, house: Path) -> Generator[Ui]:
    """`make ui` on a free port, until the block ends."""
    port = find_free_port()
    # -o: whatever the age of the environment, it is not built anew under the tests that use it
    command = ["make", "--no-print-directory", "-o", ".venv/ready", "ui", f"PORT={port}"]
    with log.open("w") as said:
        environment = os.environ | {"MLFLOW_TRACKING_URI": store}
        make = subprocess.Popen(
            command, cwd=house, env=environment, stdout=said, stderr=said, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        answers(f"{url}/health", log)
        yield Ui(url, psutil.Process(make.pid), log)
    finally:
        os.killpg(make.pid, signal.SIGKILL)
        make.wait()


def answers(url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"`make ui` did not answer at {url}; it said:\n{log.read_text()}")


def agents_seen(ui: Ui, store: str) -> set[str]:
    """Play a scenario, and read the names of its spans off the page that `run` points to."""
    (broken, *_) = run_scenario(PLAYED, store).variants
    assert broken.trace is not None
    return set(read_span_tree(trace_url(broken.trace).replace(UI_URL, ui.url)))


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Ui, str]]:
    folder = tmp_path_factory.mktemp("dashboard")
    store = f"sqlite:///{folder / 'mlflow.db'}"
    run_scenario(PLAYED, store)
    with made(store, folder / "log", Path(__file__).parent.parent.parent.parent) as started:
        yield started, store


def test_a_person_sees_the_agents_of_a_scenario(ui: tuple[Ui, str]) -> None:
    seen = agents_seen(*ui)
    assert {"review", "generator", "reviewer", "summarizer"} <= seen
    assert "generator → summarizer" in seen


def test_its_store_is_counted_so_that_spans_are_found_by_their_trace(ui: tuple[Ui, str]) -> None:
    with closing(sqlite3.connect(ui[1].removeprefix("sqlite:///"))) as database:
        counted = database.execute("SELECT tbl FROM sqlite_stat1").fetchall()
    assert ("spans",) in counted


def test_it_is_light(ui: tuple[Ui, str]) -> None:
    servers = ui[0].servers
    used_mib = sum(process.memory_info().rss for process in servers) / 2**20
    assert len(servers) == 2
    assert used_mib < 800


def test_it_listens_on_this_machine_alone(ui: tuple[Ui, str]) -> None:
    heard = [
        connection.laddr.ip
        for process in ui[0].servers
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(heard) == {"127.0.0.1"}


def test_of_a_store_that_is_served_already_it_says_where(house: Path) -> None:
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"http://me:{SECRET}@127.0.0.1:1"}
    command = ["make", "--no-print-directory", "-o", ".venv/ready", "ui"]
    done = subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == "they are at http://127.0.0.1:1 already\n"


@pytest.mark.postgres
def test_postgresql_is_shown_and_its_password_is_not(tmp_path: Path, house: Path) -> None:
    if not is_postgres_installed():
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with postgres_database() as uri:
        store = uri.replace("postgres@", f"postgres:{SECRET}@")
        run_scenario(PLAYED, store)
        with made(store, tmp_path / "log", house) as started:
            assert {"generator", "reviewer", "summarizer"} <= agents_seen(started, store)
            lines = [" ".join(process.cmdline()) for process in started.servers]
            assert SECRET not in "".join([*lines, started.log.read_text()])
