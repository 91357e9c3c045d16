"""An endpoint that is down, slow or wrong is logged once, and never blocks the program."""

import json
import logging
import os
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import mlflow
import pytest

from instrumentation.export import (
    BatchExporter,
    DeliveryStats,
    ExportError,
    ExportLimits,
    OtlpClient,
    to_otlp_span,
)
from instrumentation.tracing import enable_tracing, record_run
from tests.instrumentation.export.otlp_receiver import (
    CannedResponse,
    partial_success,
    run_otlp_receiver,
    set_endpoint,
    wait_until,
)
from tests.instrumentation.export.test_otlp_export import ended_span
from tests.support.forks.forking_python import forking_python
from tests.support.servers import find_free_port

SHORT_LIMITS = ExportLimits(
    batch_delay_s=0.05,
    flush_stall_timeout_s=1.0,
    failing_flush_timeout_s=0.1,
    retry_delay_s=0.05,
    max_retry_delay_s=0.1,
)
MAX_EXIT_S = 5.0
"""How long an endpoint may delay the end of a program."""
HTML_PAGE = CannedResponse(headers={"content-type": "text/html"}, body=b"<h1>Welcome</h1>")
REDIRECT = CannedResponse(302, {"location": "http://127.0.0.1:9/"}, b"")
ERROR_RESPONSES = {
    "answers 503": (CannedResponse(503), "it answers 503 Service Unavailable"),
    "answers 400": (CannedResponse(400), "it answers 400 Bad Request"),
    "answers 401": (CannedResponse(401), "it answers 401 Unauthorized"),
    "drops the connection": (CannedResponse(drops_connection=True), "the connection broke"),
    "redirects": (REDIRECT, "it answers 302 Found, a redirect"),
    "sends an HTML page": (
        HTML_PAGE,
        "it answers 200 with an HTML page, so it is not an OTLP endpoint",
    ),
    "rejects one": (partial_success(1), "it rejects 1 of them"),
}


@pytest.mark.parametrize(("response", "reason"), ERROR_RESPONSES.values(), ids=ERROR_RESPONSES)
def test_an_error_is_logged_once_and_the_store_has_all_spans(
    response: CannedResponse,
    reason: str,
    store: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with run_otlp_receiver(response) as received:
        set_endpoint(received.endpoint, monkeypatch)
        started = time.monotonic()
        with enable_tracing(store), record_run() as run:
            for _ in range(3):
                with mlflow.start_span("work"):
                    pass
            assert len(run.traces()) == 3
    (line,) = warnings(caplog)
    assert f"127.0.0.1:{received.endpoint.split(':')[2][:5]}" in line
    assert reason in line
    assert time.monotonic() - started < 30


def test_repeated_rejections_are_logged_once(
    store: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    with run_otlp_receiver(CannedResponse(400)) as received:
        set_endpoint(received.endpoint, monkeypatch)
        with enable_tracing(store):
            for attempts in range(1, 4):
                with mlflow.start_span("work"):
                    pass
                assert wait_until(lambda attempts=attempts: len(received.headers) == attempts)
    assert len(warnings(caplog)) == 1


def test_an_unreachable_endpoint_is_logged_by_its_host_only(
    store: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = find_free_port()
    secret = f"http://ada:hunter2@127.0.0.1:{port}/v1/traces?token=swordfish"
    set_endpoint(secret, monkeypatch, headers="authorization=Bearer%20sesame")
    with enable_tracing(store), record_run() as run:
        with mlflow.start_span("work"):
            pass
        assert len(run.traces()) == 1
    (line,) = warnings(caplog)
    assert f"127.0.0.1:{port}: connection refused" in line
    assert not any(word in caplog.text for word in ("ada", "hunter2", "swordfish", "sesame"))


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("127.0.0.1:4318", "its address is not of the form"),
        ("http://[::1", "its address is not of the form"),
        ("http://127.0.0.1:port/v1", "its address is not of the form"),
    ],
)
def test_an_invalid_endpoint_is_logged(
    endpoint: str,
    reason: str,
    store: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_endpoint(endpoint, monkeypatch)
    with enable_tracing(store), record_run() as run:
        with mlflow.start_span("work"):
            pass
        assert len(run.traces()) == 1
    assert wait_until(lambda: warnings(caplog))  # logged by the background thread
    (line,) = warnings(caplog)
    assert reason in line


def test_an_unknown_protocol_is_logged_and_tracing_continues(
    store: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_endpoint("http://127.0.0.1:9/v1/traces", monkeypatch)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")
    with enable_tracing(store), record_run() as run:
        with mlflow.start_span("work"):
            pass
        assert len(run.traces()) == 1
    (line,) = warnings(caplog)
    assert "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is neither http/protobuf nor grpc" in line


def test_a_hanging_endpoint_delays_the_exit_by_a_few_seconds_only(store: str) -> None:
    with run_otlp_receiver(CannedResponse(delay_s=60)) as received:
        result = measure_program(received.endpoint, store)
        received.released.set()
    assert result["exit_s"] < MAX_EXIT_S + 2  # plus two seconds for a busy machine
    assert result["caller_us"] < 30_000  # none of a thousand spans waited
    assert result["lines"] == 1


def test_an_unreachable_endpoint_in_the_general_variable_does_not_delay_the_exit(
    store: str,
) -> None:
    """With that variable MLflow also sends metrics, and their exporter retries for seconds."""
    result = measure_program(
        f"http://127.0.0.1:{find_free_port()}", store, "OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    assert result["exit_s"] < MAX_EXIT_S
    assert result["lines"] == 1
    assert result["stderr"].count("metrics") == 0


def test_rejected_spans_arrive_when_the_endpoint_recovers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        run_otlp_receiver(CannedResponse(503)) as received,
        export_to(received.endpoint, monkeypatch) as (exporter, errors),
    ):
        exporter.send(ended_span("early"), {})
        assert wait_until(lambda: errors)
        received.response = CannedResponse()
        exporter.send(ended_span("late"), {})
        assert wait_until(lambda: exporter.stats.delivered == 2)
        assert [span.name for span in received] == ["early", "late"]


def test_permanently_rejected_spans_are_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        run_otlp_receiver(CannedResponse(400)) as received,
        export_to(received.endpoint, monkeypatch) as (exporter, _),
    ):
        exporter.send(ended_span("refused"), {})
        assert wait_until(lambda: exporter.stats.lost == 1)
        received.response = CannedResponse()
        exporter.send(ended_span("taken"), {})
        assert exporter.flush()
        assert [span.name for span in received] == ["taken"]


def test_batches_that_are_too_large_are_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        run_otlp_receiver(CannedResponse(413)) as received,
        export_to(received.endpoint, monkeypatch) as (exporter, errors),
    ):
        for i in range(8):
            exporter.send(ended_span(f"span {i}"), {})
        assert wait_until(lambda: len(received.headers) >= 2)
        received.response = CannedResponse()
        assert exporter.flush()
    assert exporter.stats.delivered + exporter.stats.lost == 8
    assert exporter.stats.delivered >= 4
    sizes = [int(headers["content-length"]) for headers in received.headers[:2]]
    assert sizes[1] < 0.7 * sizes[0]
    assert len(errors) == exporter.stats.lost


def test_a_full_queue_drops_the_oldest_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = ExportLimits(max_spans=10, batch_delay_s=60, retry_delay_s=0.05)
    with (
        run_otlp_receiver() as received,
        export_to(received.endpoint, monkeypatch, limits) as (exporter, _),
    ):
        for i in range(25):
            exporter.send(ended_span(f"span {i}"), {})
        assert exporter.stats == DeliveryStats(delivered=0, lost=15, waiting=10)
        assert exporter.flush()
        assert [span.name for span in received] == [f"span {i}" for i in range(15, 25)]


def test_dropped_spans_are_reported_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = ExportLimits(max_spans=10, batch_delay_s=60, retry_delay_s=0.05)
    with (
        run_otlp_receiver() as received,
        export_to(received.endpoint, monkeypatch, limits) as (exporter, errors),
    ):
        for i in range(25):
            exporter.send(ended_span(f"span {i}"), {})
    assert len(list(received)) == 10
    assert list(map(str, errors)) == [
        "15 of them did not fit into the queue (OTEL_BSP_MAX_QUEUE_SIZE)"
    ]


def test_spans_sent_to_a_hanging_endpoint_are_reported_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        run_otlp_receiver(CannedResponse(delay_s=60)) as received,
        export_to(received.endpoint, monkeypatch) as (exporter, errors),
    ):
        exporter.send(ended_span("last"), {})
        assert wait_until(lambda: received.headers)
    (error,) = errors
    assert "1 of them were not delivered before the program ended" in str(error)


def test_the_queue_is_bounded_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        run_otlp_receiver() as received,
        export_to(
            received.endpoint, monkeypatch, ExportLimits(max_chars=1_000, batch_delay_s=60)
        ) as (
            exporter,
            _,
        ),
    ):
        for i in range(5):
            exporter.send(ended_span(f"span {i}", text="x" * 400), {})
        assert exporter.stats == DeliveryStats(delivered=0, lost=3, waiting=2)


def test_a_forked_process_sends_only_its_own_spans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        run_otlp_receiver() as received,
        export_to(received.endpoint, monkeypatch, ExportLimits(batch_delay_s=60)) as (exporter, _),
    ):
        exporter.send(ended_span("of the parent"), {})
        child = os.fork()
        if child == 0:
            exporter.send(ended_span("of the child"), {})
            exporter.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert [span.name for span in received] == ["of the child"]
        assert exporter.flush()
        assert [span.name for span in received] == ["of the child", "of the parent"]


MEASURED_PROGRAM = """
import json, logging, sys, time
import mlflow
from instrumentation.tracing import enable_tracing

class Lines(logging.Handler):
    seen = []
    def emit(self, record):
        self.seen.append(record.getMessage())

logging.getLogger().addHandler(Lines())
with enable_tracing(sys.argv[1]):
    with mlflow.start_span("first"):
        pass
    time.sleep(1.5)
    began = time.perf_counter()
    with mlflow.start_span("many"):
        for _ in range(1_000):
            with mlflow.start_span("work"):
                pass
    caller_us = (time.perf_counter() - began) * 1_000
    mlflow.flush_trace_async_logging()
    began = time.perf_counter()
print(json.dumps({"caller_us": caller_us, "exit_s": time.perf_counter() - began,
                  "lines": sum("OTLP" in line for line in Lines.seen)}))
"""


def measure_program(
    endpoint: str, store: str, variable: str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
) -> dict[str, Any]:
    """Run a program that records 1,002 spans, and return its timings."""
    completed = subprocess.run(
        [forking_python(), "-c", MEASURED_PROGRAM, store],
        env=os.environ | {variable: endpoint},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert completed.returncode == 0, completed.stderr
    result: dict[str, Any] = json.loads(completed.stdout)
    return result | {"stderr": completed.stderr}


@contextmanager
def export_to(
    endpoint: str, patch: pytest.MonkeyPatch, limits: ExportLimits = SHORT_LIMITS
) -> Generator[tuple[BatchExporter, list[ExportError]]]:
    """An exporter without MLflow, and the errors that it reports."""
    set_endpoint(endpoint, patch)
    patch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    errors: list[ExportError] = []
    exporter = BatchExporter(OtlpClient, to_otlp_span, errors.append, limits)
    try:
        yield exporter, errors
    finally:
        exporter.close()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The warnings about the endpoint, by any logger."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING
        and ("OTLP" in record.getMessage() or record.name.startswith("opentelemetry"))
    ]
