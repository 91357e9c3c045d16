"""`make ui`: MLflow's UI on a store, with a scenario's trace as a person sees it."""

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
from playwright.sync_api import Page

from scenarios.player.run import run_scenario
from scenarios.reports.terminal_report import trace_url, ui_instruction
from scenarios.traces.store.ui_server import UI_URL
from tests.support.browser import TREE_ROW, find_chromium, read_page, read_span_tree
from tests.support.servers import find_free_port, is_postgres_installed, postgres_database

if find_chromium() is None:
    pytest.skip(
        "needs Chromium, none is downloaded: apt-get install chromium", allow_module_level=True
    )

pytestmark = [pytest.mark.browser, pytest.mark.long]

SCENARIO = "summarizer_never_sees_the_draft"
SECRET = "a-password-in-the-address"
TIMEOUT_S = 60.0
"""How long a busy machine may take to start a server."""


@dataclass(frozen=True)
class Ui:
    """A running `make ui`: its address, its process, and its log."""

    url: str
    make: psutil.Process
    log: Path

    @property
    def servers(self) -> list[psutil.Process]:
        """The Python processes below make and its shell."""
        children = self.make.children(recursive=True)
        return [process for process in children if "python" in process.exe()]


@contextmanager
def run_make_ui(store: str, log: Path, project_root: Path) -> Generator[Ui]:
    """Run `make ui` on a free port until the block ends."""
    port = find_free_port()
    # -o: do not rebuild an outdated environment while other tests use it
    command = ["make", "--no-print-directory", "-o", ".venv/ready", "ui", f"PORT={port}"]
    with log.open("w") as output:
        environment = os.environ | {"MLFLOW_TRACKING_URI": store}
        make = subprocess.Popen(
            command,
            cwd=project_root,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(f"{url}/health", log)
        yield Ui(url, psutil.Process(make.pid), log)
    finally:
        os.killpg(make.pid, signal.SIGKILL)
        make.wait()


def wait_until_up(url: str, log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"`make ui` did not answer at {url}; its output:\n{log.read_text()}")


def span_names_in_ui(ui: Ui, store: str) -> set[str]:
    """Run a scenario, and read the names of its spans from the page that `run` prints.

    A span with assessments has their number below its name.
    """
    (broken, *_) = run_scenario(SCENARIO, store).variants
    assert broken.trace is not None
    rows = read_span_tree(trace_url(broken.trace).replace(UI_URL, ui.url))
    return {row.partition("\n")[0] for row in rows}


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Ui, str]]:
    folder = tmp_path_factory.mktemp("dashboard")
    store = f"sqlite:///{folder / 'mlflow.db'}"
    run_scenario(SCENARIO, store)
    with run_make_ui(store, folder / "log", Path(__file__).parents[4]) as started:
        yield started, store


def test_the_page_shows_the_agents_of_a_scenario(ui: tuple[Ui, str]) -> None:
    names = span_names_in_ui(*ui)
    assert {"review", "generator", "reviewer", "summarizer"} <= names
    assert "generator → summarizer" in names


def test_the_page_of_a_lost_handoff_shows_what_was_dropped_and_what_failed(
    ui: tuple[Ui, str],
) -> None:
    (broken, *_) = run_scenario(SCENARIO, ui[1]).variants
    assert broken.trace is not None

    def read(page: Page) -> str:
        page.locator(TREE_ROW, has_text="generator → summarizer").first.click()
        page.get_by_text("generator hands off to summarizer once").first.wait_for()
        return page.inner_text("body")

    text = read_page(trace_url(broken.trace).replace(UI_URL, ui[0].url), read)
    assert {"sent", "arrived", "dropped"} <= set(text.splitlines())
    assert "Assess\n2" in text  # this span has a failed expectation and a finding


def test_printed_links_lead_to_the_running_page_of_their_store(
    ui: tuple[Ui, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (broken, *_) = run_scenario(SCENARIO, ui[1]).variants
    assert broken.trace is not None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", ui[1])
    assert trace_url(broken.trace).startswith(f"{ui[0].url}/#/")
    assert ui_instruction() == "open"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'another.db'}")
    assert trace_url(broken.trace).startswith(f"{UI_URL}/#/")
    assert ui_instruction().endswith(", then open")


def test_the_statistics_of_its_store_are_updated(ui: tuple[Ui, str]) -> None:
    with closing(sqlite3.connect(ui[1].removeprefix("sqlite:///"))) as database:
        tables = database.execute("SELECT tbl FROM sqlite_stat1").fetchall()
    assert ("spans",) in tables


def test_no_warning_of_a_library_is_printed(ui: tuple[Ui, str]) -> None:
    assert "Warning" not in ui[0].log.read_text()


def test_it_uses_little_memory(ui: tuple[Ui, str]) -> None:
    servers = ui[0].servers
    used_mib = sum(process.memory_info().rss for process in servers) / 2**20
    assert len(servers) == 2
    assert used_mib < 800


def test_it_listens_on_localhost_only(ui: tuple[Ui, str]) -> None:
    addresses = [
        connection.laddr.ip
        for process in ui[0].servers
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(addresses) == {"127.0.0.1"}


def test_for_a_server_it_prints_the_servers_address(project_root: Path) -> None:
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"http://me:{SECRET}@127.0.0.1:1"}
    command = ["make", "--no-print-directory", "-o", ".venv/ready", "ui"]
    done = subprocess.run(
        command, cwd=project_root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == "the traces are on the server http://127.0.0.1:1\n"


@pytest.mark.postgres
def test_postgresql_works_without_printing_its_password(tmp_path: Path, project_root: Path) -> None:
    if not is_postgres_installed():
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with postgres_database() as uri:
        store = uri.replace("postgres@", f"postgres:{SECRET}@")
        run_scenario(SCENARIO, store)
        with run_make_ui(store, tmp_path / "log", project_root) as started:
            assert {"generator", "reviewer", "summarizer"} <= span_names_in_ui(started, store)
            lines = [" ".join(process.cmdline()) for process in started.servers]
            assert SECRET not in "".join([*lines, started.log.read_text()])
