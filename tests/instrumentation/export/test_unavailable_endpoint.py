"""A receiver that is down, slow or wrong: one line tells of it, and the program goes on."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import mlflow
import pytest

from instrumentation.export.otlp_conversion import to_otlp_span
from instrumentation.export.otlp_export import (
    BatchExporter,
    DeliveryStats,
    ExportError,
    ExportLimits,
    OtlpClient,
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
from tests.support.servers import find_free_port

QUICK = ExportLimits(
    batch_delay_s=0.05,
    flush_stall_timeout_s=1.0,
    failing_flush_timeout_s=0.1,
    retry_delay_s=0.05,
    max_retry_delay_s=0.1,
)
EXIT_S = 5.0
"""What a receiver may hold a program up by as it ends."""
PAGE = CannedResponse(headers={"content-type": "text/html"}, body=b"<h1>Welcome</h1>")
ELSEWHERE = CannedResponse(302, {"location": "http://127.0.0.1:9/"}, b"")
WRONG = {
    "answers 503": (CannedResponse(503), "it answers 503 Service Unavailable"),
    "answers 400": (CannedResponse(400), "it answers 400 Bad Request"),
    "answers 401": (CannedResponse(401), "it answers 401 Unauthorized"),
    "cuts the line": (CannedResponse(drops_connection=True), "the connection broke"),
    "redirects": (ELSEWHERE, "it answers 302 Found: it would send them elsewhere"),
    "shows a page": (PAGE, "it answers 200 with a page, as no receiver of OTLP does"),
    "rejects one": (partial_success(1), "it rejects 1 of them"),
}


@pytest.mark.parametrize(("answer", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_one_line_and_the_store_has_all(
    answer: CannedResponse,
    why: str,
    store: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with run_otlp_receiver(answer) as kept:
        set_endpoint(kept.endpoint, monkeypatch)
        began = time.monotonic()
        with enable_tracing(store), record_run() as run:
            for _ in range(3):
                with mlflow.start_span("work"):
                    pass
            assert len(run.traces()) == 3
    (line,) = said(caplog)
    assert f"127.0.0.1:{kept.endpoint.split(':')[2][:5]}" in line
    assert why in line
    assert time.monotonic() - began < 30


def test_it_is_said_once_however_often_spans_are_refused(
    store: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    with run_otlp_receiver(CannedResponse(400)) as kept:
        set_endpoint(kept.endpoint, monkeypatch)
        with enable_tracing(store):
            for tries in range(1, 4):
                with mlflow.start_span("work"):
                    pass
                assert wait_until(lambda tries=tries: len(kept.headers) == tries)
    assert len(said(caplog)) == 1


def test_nobody_there_is_said_once_by_its_host_alone(
    store: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = find_free_port()
    secret = f"http://ada:hunter2@127.0.0.1:{port}/v1/traces?token=swordfish"
    set_endpoint(secret, monkeypatch, headers="authorization=Bearer%20sesame")
    with enable_tracing(store), record_run() as run:
        with mlflow.start_span("work"):
            pass
        assert len(run.traces()) == 1
    (line,) = said(caplog)
    assert f"127.0.0.1:{port}: connection refused" in line
    assert not any(word in caplog.text for word in ("ada", "hunter2", "swordfish", "sesame"))


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("127.0.0.1:4318", "its address is not of the form"),
        ("http://[::1", "its address is not of the form"),
        ("http://127.0.0.1:port/v1", "its address is not of the form"),
    ],
)
def test_an_address_that_is_none_is_said_too(
    endpoint: str,
    why: str,
    store: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_endpoint(endpoint, monkeypatch)
    with enable_tracing(store), record_run() as run:
        with mlflow.start_span("work"):
            pass
        assert len(run.traces()) == 1
    assert wait_until(lambda: said(caplog))  # by a thread of its own
    (line,) = said(caplog)
    assert why in line


def test_a_protocol_that_is_unknown_is_said_and_tracing_goes_on(
    store: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_endpoint("http://127.0.0.1:9/v1/traces", monkeypatch)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")
    with enable_tracing(store), record_run() as run:
        with mlflow.start_span("work"):
            pass
        assert len(run.traces()) == 1
    (line,) = said(caplog)
    assert "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is neither http/protobuf nor grpc" in line


def test_a_receiver_that_hangs_is_no_longer_waited_for_than_that_at_exit(store: str) -> None:
    with run_otlp_receiver(CannedResponse(delay_s=60)) as kept:
        told = spent(kept.endpoint, store)
        kept.released.set()
    assert told["exit_s"] < EXIT_S + 2  # and a second or two for what a busy machine adds
    assert told["caller_us"] < 30_000  # of a thousand spans not one waited
    assert told["lines"] == 1


def test_nobody_there_costs_no_time_at_exit_by_the_general_variable_either(store: str) -> None:
    """By which MLflow sends metrics too, whose exporter tries for seconds as the program ends."""
    told = spent(f"http://127.0.0.1:{find_free_port()}", store, "OTEL_EXPORTER_OTLP_ENDPOINT")
    assert told["exit_s"] < EXIT_S
    assert told["lines"] == 1
    assert told["stderr"].count("metrics") == 0


def test_what_was_refused_arrives_once_the_receiver_is_well_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        run_otlp_receiver(CannedResponse(503)) as kept,
        to(kept.endpoint, monkeypatch) as (courier, heard),
    ):
        courier.send(ended_span("early"), {})
        assert wait_until(lambda: heard)
        kept.response = CannedResponse()
        courier.send(ended_span("late"), {})
        assert wait_until(lambda: courier.stats.delivered == 2)
        assert [span.name for span in kept] == ["early", "late"]


def test_what_is_refused_for_good_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        run_otlp_receiver(CannedResponse(400)) as kept,
        to(kept.endpoint, monkeypatch) as (courier, _),
    ):
        courier.send(ended_span("refused"), {})
        assert wait_until(lambda: courier.stats.lost == 1)
        kept.response = CannedResponse()
        courier.send(ended_span("taken"), {})
        assert courier.flush()
        assert [span.name for span in kept] == ["taken"]


def test_what_is_too_large_is_sent_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        run_otlp_receiver(CannedResponse(413)) as kept,
        to(kept.endpoint, monkeypatch) as (courier, heard),
    ):
        for i in range(8):
            courier.send(ended_span(f"span {i}"), {})
        assert wait_until(lambda: len(kept.headers) >= 2)
        kept.response = CannedResponse()
        assert courier.flush()
    assert courier.stats.delivered + courier.stats.lost == 8
    assert courier.stats.delivered >= 4
    sizes = [int(headers["content-length"]) for headers in kept.headers[:2]]
    assert sizes[1] < 0.7 * sizes[0]
    assert len(heard) == courier.stats.lost


def test_the_oldest_are_dropped_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ExportLimits(max_spans=10, batch_delay_s=60, retry_delay_s=0.05)
    with run_otlp_receiver() as kept, to(kept.endpoint, monkeypatch, few) as (courier, _):
        for i in range(25):
            courier.send(ended_span(f"span {i}"), {})
        assert courier.stats == DeliveryStats(arrived=0, lost=15, waiting=10)
        assert courier.flush()
        assert [span.name for span in kept] == [f"span {i}" for i in range(15, 25)]


def test_what_found_no_room_is_told_of_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ExportLimits(max_spans=10, batch_delay_s=60, retry_delay_s=0.05)
    with run_otlp_receiver() as kept, to(kept.endpoint, monkeypatch, few) as (courier, heard):
        for i in range(25):
            courier.send(ended_span(f"span {i}"), {})
    assert len(list(kept)) == 10
    assert list(map(str, heard)) == ["15 of them found no room (OTEL_BSP_MAX_QUEUE_SIZE)"]


def test_what_is_on_its_way_to_a_receiver_that_hangs_is_told_of_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        run_otlp_receiver(CannedResponse(delay_s=60)) as kept,
        to(kept.endpoint, monkeypatch) as (courier, heard),
    ):
        courier.send(ended_span("last"), {})
        assert wait_until(lambda: kept.headers)
    (refused,) = heard
    assert "1 of them had not arrived as the program ended" in str(refused)


def test_a_few_large_ones_are_too_many_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        run_otlp_receiver() as kept,
        to(kept.endpoint, monkeypatch, ExportLimits(max_chars=1_000, batch_delay_s=60)) as (
            courier,
            _,
        ),
    ):
        for i in range(5):
            courier.send(ended_span(f"span {i}", text="x" * 400), {})
        assert courier.stats == DeliveryStats(arrived=0, lost=3, waiting=2)


def test_a_forked_process_sends_its_own_spans_and_not_its_parents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        run_otlp_receiver() as kept,
        to(kept.endpoint, monkeypatch, ExportLimits(batch_delay_s=60)) as (courier, _),
    ):
        courier.send(ended_span("of the parent"), {})
        child = os.fork()
        if child == 0:
            courier.send(ended_span("of the child"), {})
            courier.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert [span.name for span in kept] == ["of the child"]
        assert courier.flush()
        assert [span.name for span in kept] == ["of the child", "of the parent"]


SPENDING = """
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


def spent(
    endpoint: str, store: str, variable: str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
) -> dict[str, Any]:
    """What a program that makes 1,002 spans tells of its time, with a receiver at `endpoint`."""
    done = subprocess.run(
        [sys.executable, "-c", SPENDING, store],
        env=os.environ | {variable: endpoint},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told | {"stderr": done.stderr}


@contextmanager
def to(
    endpoint: str, patch: pytest.MonkeyPatch, bounds: ExportLimits = QUICK
) -> Generator[tuple[BatchExporter, list[ExportError]]]:
    """A courier by itself, to a receiver, and what is reported of it."""
    set_endpoint(endpoint, patch)
    patch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    heard: list[ExportError] = []
    courier = BatchExporter(OtlpClient, to_otlp_span, heard.append, bounds)
    try:
        yield courier, heard
    finally:
        courier.close()


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines that are logged about a receiver, whoever logs them."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING
        and ("OTLP" in record.getMessage() or record.name.startswith("opentelemetry"))
    ]
