"""A receiver: where spans are sent, as OpenTelemetry's environment variables name it."""

import logging
import os
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from instrumentation.export.export_error import Refused
from instrumentation.export.otlp_session import NO_ADDRESS, Watched

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP, GRPC = "http/protobuf", "grpc"
LOGGERS = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
)


class Receiver:
    """The other end. What it answers is told, and logged by nobody else."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """The one that OpenTelemetry's environment variables name."""
        self._session = Watched()
        self._exporter: SpanExporter | None = None
        self._amiss = ""
        try:
            self._exporter = _exporter(first(PROTOCOLS, environment), self._session)
        except (OSError, ValueError) as error:
            self._amiss = f"{NO_ADDRESS}, or a setting beside it is amiss ({type(error).__name__})"

    def send(self, spans: Sequence[ReadableSpan]) -> None:
        """Raises `Refused` when they did not all arrive, after one try."""
        if self._exporter is None:
            raise Refused(self._amiss or f"{PROTOCOLS[0]} is neither {HTTP} nor {GRPC}")
        with _unlogged():
            taken = self._exporter.export(spans) is SpanExportResult.SUCCESS
        if refused := self._session.refused():
            raise refused
        if not taken:
            raise Refused("they could not be sent", smaller=True)

    def close(self) -> None:
        if self._exporter is not None:
            self._exporter.shutdown()


def _exporter(protocol: str, session: Watched) -> SpanExporter | None:
    """OpenTelemetry's own; None, where it has none for the protocol."""
    if protocol == HTTP:
        from opentelemetry.exporter.otlp.proto.http import trace_exporter as over_http

        return over_http.OTLPSpanExporter(session=session)
    if protocol == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as over_grpc

        return over_grpc.OTLPSpanExporter()
    return None


@contextmanager
def _unlogged() -> Generator[None]:
    """What the exporter says in this thread meanwhile is not logged: it is told."""
    thread = threading.get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addFilter(of_others)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(of_others)


def host(environment: Mapping[str, str] = os.environ) -> str:
    """Host and port of the receiver alone: the rest of an address may hold credentials."""
    try:
        parts = urlsplit(first(ENDPOINTS, environment))
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    except ValueError:
        return "receiver"


def first(names: Sequence[str], environment: Mapping[str, str]) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")
