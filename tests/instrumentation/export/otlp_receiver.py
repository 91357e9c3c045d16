"""A receiver: a real OTLP endpoint on 127.0.0.1 that keeps what it is sent, and answers as told."""

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
    """What a receiver says to each request, once `after_s` is over; or it cuts the line."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": PROTOBUF})
    body: bytes = ExportTraceServiceResponse().SerializeToString()
    delay_s: float = 0.0
    drops_connection: bool = False


def partial_success(spans: int) -> CannedResponse:
    """All is well, but for some spans."""
    partial = ExportTracePartialSuccess(rejected_spans=spans, error_message="too long")
    return CannedResponse(
        body=ExportTraceServiceResponse(partial_success=partial).SerializeToString()
    )


class ReceivedSpans:
    """What came in, in the order it came; `answer` may be changed meanwhile."""

    def __init__(self, answer: CannedResponse) -> None:
        self.response = answer
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
        (found,) = (span for span in self if span.name == name)
        return found


@contextmanager
def run_otlp_receiver(answer: CannedResponse | None = None) -> Generator[ReceivedSpans]:
    """A receiver that is up for the block; whoever it keeps waiting is let go at its end."""
    kept = ReceivedSpans(answer or CannedResponse())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            said = kept.response
            if said.status < 300 and not said.drops_connection:
                packed = self.headers.get("content-encoding") == "gzip"
                kept.bodies.append(gzip.decompress(body) if packed else body)
            kept.headers.append({name.lower(): value for name, value in self.headers.items()})
            kept.released.wait(said.delay_s)
            if said.drops_connection:
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in (said.headers | {"content-length": len(said.body)}).items():  # type: ignore[operator]
                self.send_header(name, str(value))
            with suppress(BrokenPipeError):  # whoever asked may be gone
                self.end_headers()
                self.wfile.write(said.body)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.endpoint = f"http://127.0.0.1:{server.server_port}/v1/traces"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        yield kept
    finally:
        kept.released.set()
        server.shutdown()
        server.server_close()


def set_endpoint(endpoint: str, patch: pytest.MonkeyPatch, headers: str = "") -> None:
    """Let the environment name a receiver, as a user does."""
    patch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint)
    patch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", headers)


def span_attributes(span: Span) -> dict[str, Any]:
    """A span's attributes as plain values."""
    return {pair.key: _plain_value(pair.value) for pair in span.attributes}


def span_status(span: Span) -> str:
    return str(Status.StatusCode.Name(span.status.code)).removeprefix("STATUS_CODE_")


def wait_until(true: Any, patience_s: float = 10.0) -> bool:
    """Whether it becomes true in time."""
    deadline = time.monotonic() + patience_s
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(true())


def _plain_value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain_value(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None
