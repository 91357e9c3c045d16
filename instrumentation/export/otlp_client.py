"""A receiver: where spans are sent, as OpenTelemetry's environment variables name it."""

import logging
import os
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from instrumentation.export.export_error import ExportError
from instrumentation.export.otlp_session import INVALID_ENDPOINT, OtlpSession

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP, GRPC = "http/protobuf", "grpc"
EXPORTER_LOGGERS = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
)


class OtlpClient:
    """The other end. What it answers is told, and logged by nobody else."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """The one that OpenTelemetry's environment variables name."""
        self._session = OtlpSession()
        self._exporter: SpanExporter | None = None
        self._configuration_error = ""
        try:
            self._exporter = _create_exporter(
                first_set(PROTOCOL_VARIABLES, environment), self._session
            )
        except (OSError, ValueError) as error:
            self._configuration_error = (
                f"{INVALID_ENDPOINT}, or a setting beside it is amiss ({type(error).__name__})"
            )

    def send(self, spans: Sequence[ReadableSpan]) -> None:
        """Raises `Refused` when they did not all arrive, after one try."""
        if self._exporter is None:
            raise ExportError(
                self._configuration_error or f"{PROTOCOL_VARIABLES[0]} is neither {HTTP} nor {GRPC}"
            )
        with _mute_exporter_logs():
            taken = self._exporter.export(spans) is SpanExportResult.SUCCESS
        if refused := self._session.take_error():
            raise refused
        if not taken:
            raise ExportError("they could not be sent", is_too_large=True)

    def close(self) -> None:
        if self._exporter is not None:
            self._exporter.shutdown()


def _create_exporter(protocol: str, session: OtlpSession) -> SpanExporter | None:
    """OpenTelemetry's own; None, where it has none for the protocol."""
    if protocol == HTTP:
        from opentelemetry.exporter.otlp.proto.http import trace_exporter as over_http

        return over_http.OTLPSpanExporter(session=session)
    if protocol == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as over_grpc

        return over_grpc.OTLPSpanExporter()
    return None


@contextmanager
def _mute_exporter_logs() -> Generator[None]:
    """What the exporter says in this thread meanwhile is not logged: it is told."""
    thread = threading.get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    loggers = [logging.getLogger(name) for name in EXPORTER_LOGGERS]
    for logger in loggers:
        logger.addFilter(of_others)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(of_others)


def endpoint_host(environment: Mapping[str, str] = os.environ) -> str:
    """Host and port of the receiver alone: the rest of an address may hold credentials."""
    try:
        parts = urlsplit(first_set(ENDPOINT_VARIABLES, environment))
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    except ValueError:
        return "receiver"


def first_set(names: Sequence[str], environment: Mapping[str, str]) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")
