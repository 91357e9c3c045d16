"""A watched session: what a receiver answers to each request, judged as OTLP has it.

OpenTelemetry's exporter takes a redirect for success, does not look at what was rejected, and logs
each failure. Its session may be anybody's: it is the one place that sees each answer.
"""

from http import HTTPStatus
from typing import Any

import requests
from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # it has no stubs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from instrumentation.export.export_error import ExportError

MAX_RESPONSE_BYTES = 65_536
"""How much of an answer is read: a receiver's own is a few bytes."""
INVALID_ENDPOINT = "its address is not of the form http://host:port/v1/traces"
RETRYABLE_STATUSES = {429, 502, 503, 504}
"""What a receiver answers that may take the same spans later: the specification of OTLP."""


class OtlpSession(requests.Session):
    """A session that judges each answer, and fails where OpenTelemetry would try again itself."""

    _error: ExportError | None = None

    def take_error(self) -> ExportError | None:
        """What became of the last request, told once."""
        refused, self._error = self._error, None
        return refused

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            response = super().request(*args, **{**kwargs, "stream": True})
            with response:
                said = next(response.iter_content(MAX_RESPONSE_BYTES), b"")
        except requests.RequestException as error:
            self._error = _connection_error(error)
            raise self._error from error
        self._error = _response_error(response, said)
        if self._error is not None and self._error.rejected_spans is None:
            raise self._error
        return response


def _response_error(response: requests.Response, said: bytes) -> ExportError | None:
    code, kind = response.status_code, response.headers.get("content-type", "")
    if code >= 300:
        elsewhere = ": it would send them elsewhere" if code < 400 else ""
        return ExportError(
            f"it answers {code} {_status_phrase(code)}{elsewhere}",
            is_retryable=code in RETRYABLE_STATUSES,
            is_too_large=code == 413,
        )
    if kind.startswith("text/html"):
        return ExportError(f"it answers {code} with a page, as no receiver of OTLP does")
    if kind.startswith("application/x-protobuf"):
        try:
            rejected = ExportTraceServiceResponse.FromString(said).partial_success.rejected_spans
        except DecodeError:
            return None
        if rejected > 0:
            return ExportError(f"it rejects {rejected} of them", rejected_spans=rejected)
    return None


def _connection_error(error: requests.RequestException) -> ExportError:
    """Why, without the error's own text, in which the whole address stands."""
    if isinstance(error, requests.Timeout):
        return ExportError("it does not answer in time", is_retryable=True)
    if isinstance(error, requests.exceptions.SSLError):
        return ExportError("it cannot be trusted: TLS failed", is_retryable=True)
    if isinstance(error, ValueError):
        return ExportError(INVALID_ENDPOINT)
    cause: BaseException | None = error
    while cause is not None and getattr(cause, "strerror", None) is None:
        cause = cause.__cause__ or cause.__context__
    return ExportError(
        str(getattr(cause, "strerror", None) or "the connection broke").lower(), is_retryable=True
    )


def _status_phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""
