"""Send spans once to the OTLP endpoint of OpenTelemetry's variables, and raise each failure.

OpenTelemetry's exporter considers a redirect a success, ignores partial rejections, and logs each
failure. But it accepts any session, and the session sees each response.
"""

import threading
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import requests
from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # it has no stubs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from instrumentation.export.export_error import ExportError, read_first_variable
from patches.support.call_wrapping import filter_logs_for_block

MAX_RESPONSE_BYTES = 65_536
"""How much of a response is read; valid ones have a few bytes."""
INVALID_ENDPOINT = "its address is not of the form http://host:port/v1/traces"
RETRYABLE_STATUSES = {429, 502, 503, 504}
"""https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes"""

PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP, GRPC = "http/protobuf", "grpc"
EXPORTER_LOGGERS = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
)


class OtlpSession(requests.Session):
    """A session that raises `ExportError` where OpenTelemetry's exporter would retry by itself."""

    _error: ExportError | None = None

    def take_error(self) -> ExportError | None:
        """Return and clear the error of the last request."""
        error, self._error = self._error, None
        return error

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            response = super().request(*args, **{**kwargs, "stream": True})
            with response:
                body = next(response.iter_content(MAX_RESPONSE_BYTES), b"")
        except requests.RequestException as error:
            self._error = _connection_error(error)
            raise self._error from error
        self._error = _response_error(response, body)
        if self._error is not None and self._error.rejected_spans is None:
            raise self._error
        return response


def _response_error(response: requests.Response, body: bytes) -> ExportError | None:
    code, content_type = response.status_code, response.headers.get("content-type", "")
    if code >= 300:
        redirect = ", a redirect" if code < 400 else ""
        return ExportError(
            f"it answers {code} {_status_phrase(code)}{redirect}",
            is_retryable=code in RETRYABLE_STATUSES,
            is_too_large=code == 413,
        )
    if content_type.startswith("text/html"):
        return ExportError(f"it answers {code} with an HTML page, so it is not an OTLP endpoint")
    if content_type.startswith("application/x-protobuf"):
        try:
            rejected = ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans
        except DecodeError:
            return None
        if rejected > 0:
            return ExportError(f"it rejects {rejected} of them", rejected_spans=rejected)
    return None


def _connection_error(error: requests.RequestException) -> ExportError:
    """Describe why there was no response, without the error's own text: it contains the URL."""
    if isinstance(error, requests.Timeout):
        return ExportError("it does not answer in time", is_retryable=True)
    if isinstance(error, requests.exceptions.SSLError):
        return ExportError("it cannot be trusted: TLS failed", is_retryable=True)
    if isinstance(error, ValueError):
        return ExportError(INVALID_ENDPOINT)
    cause: BaseException | None = error
    while cause is not None and getattr(cause, "strerror", None) is None:
        cause = cause.__cause__ or cause.__context__
    reason = str(getattr(cause, "strerror", None) or "the connection broke").lower()
    return ExportError(reason, is_retryable=True)


def _status_phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""


class OtlpClient:
    """Sends spans with OpenTelemetry's exporter, and raises its errors instead of logging them."""

    def __init__(self) -> None:
        self._session = OtlpSession()
        self._exporter: SpanExporter | None = None
        self._configuration_error = ""
        try:
            self._exporter = _create_exporter(
                read_first_variable(PROTOCOL_VARIABLES), self._session
            )
        except (OSError, ValueError) as error:
            self._configuration_error = (
                f"{INVALID_ENDPOINT}, or another OTEL_EXPORTER_OTLP_* variable is invalid"
                f" ({type(error).__name__})"
            )

    def send_once(self, spans: Sequence[ReadableSpan]) -> None:
        """Send spans in one request.

        Raises:
            ExportError: Not all spans were delivered.
        """
        if self._exporter is None:
            unknown_protocol = f"{PROTOCOL_VARIABLES[0]} is neither {HTTP} nor {GRPC}"
            raise ExportError(self._configuration_error or unknown_protocol)
        thread = threading.get_ident()
        # Its errors are raised instead of logged.
        with filter_logs_for_block(EXPORTER_LOGGERS, lambda record: record.thread != thread):
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
