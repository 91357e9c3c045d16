"""A watched session: what a receiver answers to each request, judged as OTLP has it.

OpenTelemetry's exporter takes a redirect for success, does not look at what was rejected, and logs
each failure. Its session may be anybody's: it is the one place that sees each answer.
"""

from http import HTTPStatus
from typing import Any

import requests
from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # it has no stubs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from instrumentation.export.export_error import Refused

ANSWER_BYTES = 65_536
"""How much of an answer is read: a receiver's own is a few bytes."""
NO_ADDRESS = "its address is not of the form http://host:port/v1/traces"
LATER = {429, 502, 503, 504}
"""What a receiver answers that may take the same spans later: the specification of OTLP."""


class Watched(requests.Session):
    """A session that judges each answer, and fails where OpenTelemetry would try again itself."""

    _refused: Refused | None = None

    def refused(self) -> Refused | None:
        """What became of the last request, told once."""
        refused, self._refused = self._refused, None
        return refused

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            response = super().request(*args, **{**kwargs, "stream": True})
            with response:
                said = next(response.iter_content(ANSWER_BYTES), b"")
        except requests.RequestException as error:
            self._refused = _unanswered(error)
            raise self._refused from error
        self._refused = _judged(response, said)
        if self._refused is not None and self._refused.spans is None:
            raise self._refused
        return response


def _judged(response: requests.Response, said: bytes) -> Refused | None:
    code, kind = response.status_code, response.headers.get("content-type", "")
    if code >= 300:
        elsewhere = ": it would send them elsewhere" if code < 400 else ""
        return Refused(
            f"it answers {code} {_phrase(code)}{elsewhere}",
            again=code in LATER,
            smaller=code == 413,
        )
    if kind.startswith("text/html"):
        return Refused(f"it answers {code} with a page, as no receiver of OTLP does")
    if kind.startswith("application/x-protobuf"):
        try:
            rejected = ExportTraceServiceResponse.FromString(said).partial_success.rejected_spans
        except DecodeError:
            return None
        if rejected > 0:
            return Refused(f"it rejects {rejected} of them", spans=rejected)
    return None


def _unanswered(error: requests.RequestException) -> Refused:
    """Why, without the error's own text, in which the whole address stands."""
    if isinstance(error, requests.Timeout):
        return Refused("it does not answer in time", again=True)
    if isinstance(error, requests.exceptions.SSLError):
        return Refused("it cannot be trusted: TLS failed", again=True)
    if isinstance(error, ValueError):
        return Refused(NO_ADDRESS)
    cause: BaseException | None = error
    while cause is not None and getattr(cause, "strerror", None) is None:
        cause = cause.__cause__ or cause.__context__
    return Refused(
        str(getattr(cause, "strerror", None) or "the connection broke").lower(), again=True
    )


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""
