"""Count the HTTP requests of a completion on its span, and write a span for each that fails.

A client that retries hides the failed requests. Here each failed one becomes an ATTEMPT span below
the completion or tool call that made it, and the completion counts its requests. Of the request and
the response, only method, path, status and Retry-After are recorded.
"""

import asyncio
from time import time_ns
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import SpanStatus, SpanStatusCode

from instrumentation.http_attempts.response_body import ResponseBodyObserver
from patches.support.completion_attributes import ATTEMPTS_ATTRIBUTE
from patches.support.http_clients import observe_body
from patches.support.open_span import OpenSpan
from patches.support.span_errors import describe_error

if TYPE_CHECKING:
    import httpx

EXTENSION_KEY = "flight_recorder.attempt"
"""Key in `request.extensions` that holds the `Attempt`. httpx never sends extensions."""
FORK_HEADER = "x-flight-recorder-fork"
"""The header with which a replay server marks the answer at which the replay forks."""


class Attempt:
    """One HTTP request, counted on the span that is current when the request is made."""

    def __init__(self, request: "httpx.Request") -> None:
        self._span = mlflow.get_current_active_span()
        self._open_span = OpenSpan.innermost()
        self._start_ns = time_ns()
        self._is_recorded = False
        self._has_response = False
        self.path = request.url.path
        self._attributes: dict[str, Any] = {
            "http.request.method": request.method,
            "url.path": request.url.path,
        }
        self._timeouts_s: dict[str, float | None] = request.extensions.get("timeout", {})
        if self._span is not None:
            count = self._span.get_attribute(ATTEMPTS_ATTRIBUTE) or 0
            self._span.set_attribute(ATTEMPTS_ATTRIBUTE, count + 1)

    @classmethod
    def for_request(cls, request: "httpx.Request") -> "Attempt":
        """Get or create the attempt of a request, so that several observers count it once."""
        attempt: Attempt | None = request.extensions.get(EXTENSION_KEY)
        if attempt is None:
            attempt = request.extensions[EXTENSION_KEY] = cls(request)
        return attempt

    def record_response(self, response: "httpx.Response") -> None:
        """Record a status of 400 or more as a failure; otherwise observe the response body."""
        if self._has_response:
            return
        self._has_response = True
        if self._span is not None and (fork := response.headers.get(FORK_HEADER)):
            self._span.set_attribute("flight_recorder.fork", fork)
        status = response.status_code
        self._attributes["http.response.status_code"] = status
        if status >= 400:
            if (wait_s := _parse_retry_after(response.headers.get("retry-after"))) is not None:
                self._attributes["flight_recorder.http.retry_after_s"] = wait_s
            message = f"{status} {response.reason_phrase}".strip()
            self.write_failure_span(f"HTTP {status}", message=message)
        else:
            observe_body(response, ResponseBodyObserver(response, self))

    def record_cut_stream(self, *, message: str = "", error: BaseException | None = None) -> None:
        """Record that the stream ended before the reply was complete."""
        if self._open_span is not None:
            self._open_span.is_reply_cut = True
        self.write_failure_span("stream cut", message=message, error=error)

    def record_error(self, error: BaseException) -> None:
        """Record an error that occurred before the response was complete."""
        was_cancelled = isinstance(error, asyncio.CancelledError)
        name = "cancelled" if was_cancelled else type(error).__name__
        self.write_failure_span(name, error=error)

    def write_failure_span(
        self, name: str, *, message: str = "", error: BaseException | None = None
    ) -> None:
        """Write the ATTEMPT span of a failed request, once.

        None is written without a parent span, or after the parent span has ended: then the parent
        itself reports the failure.
        """
        if self._span is None or self._is_recorded or self._span.end_time_ns is not None:
            return
        self._is_recorded = True
        error_type = type(error).__name__ if error is not None else name
        span = mlflow.start_span_no_context(
            name,
            span_type="ATTEMPT",
            parent_span=self._span,
            attributes=self._attributes | {"error.type": error_type},
            start_time_ns=self._start_ns,
        )
        if error is not None and error_type.endswith("Timeout"):
            message = self._timeout_message(span, error)
        description = message or (describe_error(error) if error is not None else name)
        span.end(status=SpanStatus(SpanStatusCode.ERROR, description))

    def _timeout_message(self, span: Any, error: BaseException) -> str:
        """Describe the timeout that was exceeded, and record it as an attribute in seconds."""
        phase = type(error).__name__.removesuffix("Timeout").lower()
        timeout_s = self._timeouts_s.get(phase)
        if timeout_s is None:
            return describe_error(error)
        span.set_attribute("flight_recorder.http.timeout_s", timeout_s)
        return f"no {'byte' if phase == 'read' else phase} within {timeout_s:g} s"


def _parse_retry_after(header: str | None) -> float | None:
    """Retry-After in seconds; None if it is missing or a date."""
    try:
        return float(header) if header is not None else None
    except ValueError:
        return None
