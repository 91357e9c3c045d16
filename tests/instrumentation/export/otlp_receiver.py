"""A real OTLP endpoint on 127.0.0.1 that keeps the received spans and sends canned responses."""

import gzip
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True)
class CannedResponse:
    """The response to each request, after a delay; or it drops the connection."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": PROTOBUF})
    body: bytes = ExportTraceServiceResponse().SerializeToString()
    delay_s: float = 0.0
    drops_connection: bool = False


def partial_success(spans: int) -> CannedResponse:
    """A successful response that rejects some spans."""
    partial = ExportTracePartialSuccess(rejected_spans=spans, error_message="too long")
    return CannedResponse(
        body=ExportTraceServiceResponse(partial_success=partial).SerializeToString()
    )


class ReceivedSpans:
    """The received requests, in order. `response` may be changed while the receiver runs."""

    def __init__(self, response: CannedResponse) -> None:
        self.response = response
        self.bodies: list[bytes] = []
        self.headers: list[Mapping[str, str]] = []
        self.released = threading.Event()
        self.endpoint = ""

    def __iter__(self) -> Iterator[Span]:
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    yield from scope.spans

    def span_named(self, name: str) -> Span:
        (span,) = (span for span in self if span.name == name)
        return span


@contextmanager
def run_otlp_receiver(response: CannedResponse | None = None) -> Generator[ReceivedSpans]:
    """Run a receiver for the block; requests that it delays are released at the end."""
    received = ReceivedSpans(response or CannedResponse())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            response = received.response
            if response.status < 300 and not response.drops_connection:
                is_compressed = self.headers.get("content-encoding") == "gzip"
                received.bodies.append(gzip.decompress(body) if is_compressed else body)
            received.headers.append({name.lower(): value for name, value in self.headers.items()})
            received.released.wait(response.delay_s)
            if response.drops_connection:
                self.close_connection = True
                return
            self.send_response(response.status)
            for name, value in (response.headers | {"content-length": len(response.body)}).items():  # type: ignore[operator]
                self.send_header(name, str(value))
            with suppress(BrokenPipeError):  # the client may have disconnected
                self.end_headers()
                self.wfile.write(response.body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        yield received
    finally:
        received.released.set()
        server.shutdown()
        server.server_close()


def set_endpoint(endpoint: str, patch: pytest.MonkeyPatch, headers: str = "") -> None:
    """Set the endpoint in the environment, as a user does."""
    patch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint)
    patch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", headers)


def span_attributes(span: Span) -> dict[str, Any]:
    """A span's attributes as plain values."""
    return {pair.key: _plain_value(pair.value) for pair in span.attributes}


def span_status(span: Span) -> str:
    return str(Status.StatusCode.Name(span.status.code)).removeprefix("STATUS_CODE_")


def wait_until(condition: Any, timeout_s: float = 10.0) -> bool:
    """Wait for a condition; return whether it became true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(condition())


def _plain_value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain_value(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None
