"""`MLFLOW_TRACKING_URI`: scenarios store their traces in PostgreSQL and in a server alike."""

import json
import os
import socket
import sqlite3
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mlflow
import pytest
from mlflow.tracing.provider import provider
from mlflow.tracking._tracking_service import utils

from instrumentation.tracing import enable_tracing
from patches.mlflow.store.experiment import use_experiment
from scenarios.player.scenario_loader import scenario_folder
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.cli_runner import run_command
from tests.support.servers import is_postgres_installed, mlflow_server, postgres_database
from tests.support.tcp_proxy import run_proxy

pytestmark = pytest.mark.long

NAME = "summarizer_is_rate_limited"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    folder = tmp_path_factory.mktemp("server")
    with mlflow_server(folder, f"sqlite:///{folder / 'server.db'}") as url:
        yield url


@contextmanager
def answering_server(body: bytes) -> Generator[str]:
    """Run a server that refuses each request with this body; yield its address."""

    class Refusal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(403)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def database() -> Generator[str]:
    if not is_postgres_installed():
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with postgres_database() as uri:
        yield uri


def run_and_check(store: str) -> None:
    """Run a scenario by the command line, and check its trace by ID in the same store."""
    done = run_command(store, "run", NAME, "--json")
    assert done.exit_code == 0, done.stdout + done.stderr
    fixed = json.loads(done.stdout)["variants"][1]["trace_id"]
    checked = run_command(store, "check", NAME, "--trace", fixed)
    assert checked.exit_code == 0, checked.stdout + checked.stderr


def test_a_server_stores_the_trace(server: str) -> None:
    run_and_check(server)


@pytest.mark.postgres
def test_postgresql_stores_the_trace(database: str) -> None:
    run_and_check(database)


@pytest.mark.parametrize("command", [("run", NAME), ("check", NAME, "--trace", "tr-1")])
def test_a_hanging_store_is_reported_soon(command: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = run_command(f"http://127.0.0.1:{server.getsockname()[1]}", *command)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("error: MLFLOW_TRACKING_URI: nothing answers at")


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("http://[::1", "'http://[::1': Invalid IPv6 URL"),
        ("http://localhost:99999", "'http://localhost:99999': Port out of range"),
        ("./mlruns", "'./mlruns' has no scheme; expected one of sqlite, databricks, http"),
        ("file:///mlruns", "unknown scheme 'file'; expected one of sqlite, databricks, http"),
    ],
)
def test_an_address_that_cannot_be_used_is_reported(uri: str, sentence: str) -> None:
    done = run_command(uri, "diagnose", "last")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: MLFLOW_TRACKING_URI: {sentence}")


@pytest.mark.parametrize("command", [("diagnose", "last"), ("alerts",), ("search", "failed")])
def test_the_answer_of_a_server_is_printed_without_its_secrets(command: tuple[str, ...]) -> None:
    with answering_server(
        b"<p>the key sk-proj-abcdefghijklmnopqrstuvwxyz is invalid</p>" * 50
    ) as url:
        done = run_command(url, *command)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: MLFLOW_TRACKING_URI: the store cannot be read: API")
    assert "sk-proj" not in done.stderr
    assert len(done.stderr) < 500


def test_a_span_that_is_not_json_is_reported(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'damaged.db'}"
    with enable_tracing(store, frameworks=()), mlflow.start_span("one"):
        pass
    with closing(sqlite3.connect(tmp_path / "damaged.db")) as database:
        database.execute("UPDATE spans SET content = '{broken'")
        database.commit()
    for command in (("diagnose", "last"), ("alerts",), ("check", NAME, "--trace", "last")):
        done = run_command(store, *command)
        assert done.exit_code == 2
        assert "the store cannot be read: a span in it is not JSON (" in done.stderr


def test_a_live_run_prints_its_answer_even_if_the_store_is_gone(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLIGHT_RECORDER_STORE_TIMEOUT_S", "0.5")
    monkeypatch.setenv("MODEL_NAME", "m")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    tape = Tape.load(scenario_folder("review_goes_well").tape)
    with (
        run_proxy(server) as proxy,
        replay_tape(tape, on_exchange=lambda _: proxy.close()) as replay,
    ):
        monkeypatch.setenv("OPENAI_BASE_URL", replay.base_url)
        command = (
            "live",
            "graphflow_review",
            "Write a briefing on the loss of Mars Climate Orbiter.",
        )
        done = run_command(proxy.url, *command)
    assert done.exit_code == 2
    assert "outcome='approved'" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("error: MLFLOW_TRACKING_URI: ")


def test_mlflows_environment_is_restored(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = utils._tracking_uri
    try:
        mlflow.set_tracking_uri(None)  # as a program begins
        monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
        with use_experiment(store, "restored"):
            mlflow.start_span("one").__enter__().end()
            ours = provider.get()
        assert (os.environ["MLFLOW_TRACKING_URI"], utils._tracking_uri) == (store, None)
        assert provider.get() is not ours
    finally:
        mlflow.set_tracking_uri(before)
