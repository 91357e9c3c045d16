"""Send spans to the OTLP endpoint that OpenTelemetry's environment variables name."""

import logging
import os
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from instrumentation.export.export_error import ExportError
from instrumentation.export.export_warning import first_set
from instrumentation.export.otlp_session import INVALID_ENDPOINT, OtlpSession

PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP, GRPC = "http/protobuf", "grpc"
EXPORTER_LOGGERS = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
)


class OtlpClient:
    """Sends spans with OpenTelemetry's exporter, and raises its errors instead of logging them."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._session = OtlpSession()
        self._exporter: SpanExporter | None = None
        self._configuration_error = ""
        try:
            protocol = first_set(PROTOCOL_VARIABLES, environment)
            self._exporter = _create_exporter(protocol, self._session)
        except (OSError, ValueError) as error:
            self._configuration_error = (
                f"{INVALID_ENDPOINT}, or another OTEL_EXPORTER_OTLP_* variable is invalid"
                f" ({type(error).__name__})"
            )

    def send(self, spans: Sequence[ReadableSpan]) -> None:
        """Send spans, without a retry.

        Raises:
            ExportError: Not all spans were delivered.
        """
        if self._exporter is None:
            unknown_protocol = f"{PROTOCOL_VARIABLES[0]} is neither {HTTP} nor {GRPC}"
            raise ExportError(self._configuration_error or unknown_protocol)
        with _mute_exporter_logs():
            succeeded = self._exporter.export(spans) is SpanExportResult.SUCCESS
        if error := self._session.take_error():
            raise error
        if not succeeded:
            raise ExportError("they could not be sent", is_too_large=True)

    def close(self) -> None:
        if self._exporter is not None:
            self._exporter.shutdown()


def _create_exporter(protocol: str, session: OtlpSession) -> SpanExporter | None:
    """OpenTelemetry's exporter for a protocol; None if there is none."""
    if protocol == HTTP:
        from opentelemetry.exporter.otlp.proto.http import trace_exporter as over_http

        return over_http.OTLPSpanExporter(session=session)
    if protocol == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as over_grpc

        return over_grpc.OTLPSpanExporter()
    return None


@contextmanager
def _mute_exporter_logs() -> Generator[None]:
    """Discard what the exporter logs in this thread: its errors are raised instead."""
    thread = threading.get_ident()

    def is_other_thread(record: logging.LogRecord) -> bool:
        return record.thread != thread

    loggers = [logging.getLogger(name) for name in EXPORTER_LOGGERS]
    for logger in loggers:
        logger.addFilter(is_other_thread)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_other_thread)
