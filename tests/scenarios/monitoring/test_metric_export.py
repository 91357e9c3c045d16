"""The metrics of a running `monitor`, received by a real Prometheus and by an OTLP endpoint."""

import gzip
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from scenarios.player.run import run_scenario
from tests.docs.documents import ROOT
from tests.support.cli_runner import run_command
from tests.support.new_store import new_store
from tests.support.servers import find_free_port

CONFIGURATION = ROOT / "docs/monitoring/prometheus.yml"
DASHBOARD = ROOT / "docs/monitoring/grafana-dashboard.json"
WAIT_S = 60.0
pytestmark = pytest.mark.long


@contextmanager
def run_metrics_receiver() -> Generator[tuple[str, list[ExportMetricsServiceRequest]]]:
    """An OTLP endpoint for metrics; yields its address and the requests that it received."""
    received: list[ExportMetricsServiceRequest] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            is_compressed = self.headers.get("content-encoding") == "gzip"
            body = gzip.decompress(body) if is_compressed else body
            received.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/metrics", received
        finally:
            server.shutdown()


@contextmanager
def run_program(command: list[str], log: Path, **environment: str) -> Generator[None]:
    """Run a program for the block, and end it as Ctrl-C does."""
    with log.open("w") as output:
        program = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        yield
        program.send_signal(signal.SIGTERM)
        program.wait(20)
    finally:
        program.kill()
        program.wait()


def wait_for(read: Callable[[], Any], log: Path) -> Any:
    """Return the first result that is not empty."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            if found := read():
                return found
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"nothing within {WAIT_S:.0f} s; the log: {log.read_text()}")


@pytest.fixture(scope="module")
def store_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    uri = new_store(tmp_path_factory.mktemp("monitored"))
    run_scenario("summarizer_never_sees_the_draft", uri)
    return uri


def test_metrics_leave_over_otlp(store_uri: str) -> None:
    options = ("--once", "--scenarios", "--sample", "0")
    with run_metrics_receiver() as (endpoint, received):
        environment = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": endpoint}
        done = run_command(store_uri, "monitor", *options, **environment)
    assert done.exit_code == 1, done.stderr
    names = {
        metric.name
        for request in received
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert names == {
        "flight_recorder.alert.firing",
        "flight_recorder.handoff.efficiency_score",
        "flight_recorder.traces",
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
    }


def test_a_taken_port_is_named(store_uri: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_command(store_uri, "monitor", "--once", f"--metrics-port={port}")
    assert done.exit_code == 2
    assert f"port {port} of 127.0.0.1 cannot be used" in done.stderr


@pytest.mark.skipif(
    not shutil.which("prometheus"), reason="needs Prometheus: apt-get install prometheus"
)
def test_prometheus_has_each_metric_of_the_dashboard(store_uri: str, tmp_path: Path) -> None:
    metrics_port, port = find_free_port(), find_free_port()
    configuration = tmp_path / "prometheus.yml"
    text = CONFIGURATION.read_text().replace("9464", str(metrics_port)).replace("5s", "1s")
    configuration.write_text(text)
    monitor = [str(ROOT / ".venv/bin/python"), "-m", "scenarios", "monitor", "--scenarios"]
    monitor += ["--every", "1s", "--metrics-port", str(metrics_port)]
    prometheus = [
        str(shutil.which("prometheus")),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]

    def query(expression: str) -> Any:
        url = f"http://127.0.0.1:{port}/api/v1/query"
        answer = httpx.get(url, params={"query": expression})
        answer.raise_for_status()  # 503 while it starts
        return answer.json()["data"]["result"]

    log = tmp_path / "monitor.log"
    with (
        run_program(prometheus, tmp_path / "prometheus.log"),
        run_program(monitor, log, MLFLOW_TRACKING_URI=store_uri, PYTHONPATH=str(ROOT)),
    ):
        (firing,) = wait_for(lambda: query("flight_recorder_alert_firing == 1"), log)
        assert firing["metric"]["alert"] == "lost handoff"
        used = re.findall(r"(?:flight_recorder|gen_ai_client)_\w+", DASHBOARD.read_text())
        assert len(set(used)) == 7
        missing = [name for name in set(used) if not query(name)]
        assert missing == []
    assert "stopped" in log.read_text()
