"""An attempt: one HTTP request of the several that a completion may take.

A client that retries hides what it retries. Here each attempt that fails leaves an ATTEMPT span
beneath the completion (or tool call) that made it, and the completion counts its attempts. Nothing
of a request or reply is copied but method, path, status and Retry-After.
"""

import asyncio
from time import time_ns
from typing import Any

import httpx
import mlflow
from mlflow.entities import SpanStatus, SpanStatusCode

from instrumentation.http_attempts.response_body import observe_response
from patches.support.span_errors import describe_error

EXTENSION_KEY = "flight_recorder.attempt"
"""Where a request keeps its attempt, for all who see it made: httpx hands it on, and sends none."""


class Attempt:
    """One HTTP request, counted on the span that was active when it was made."""

    def __init__(self, request: httpx.Request) -> None:
        self._span = mlflow.get_current_active_span()
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
            made = self._span.get_attribute("flight_recorder.http.attempts") or 0
            self._span.set_attribute("flight_recorder.http.attempts", made + 1)

    @classmethod
    def for_request(cls, request: httpx.Request) -> "Attempt":
        """The attempt that a request is: one, whoever else sees it made."""
        attempt: Attempt | None = request.extensions.get(EXTENSION_KEY)
        if attempt is None:
            attempt = request.extensions[EXTENSION_KEY] = cls(request)
        return attempt

    def on_response(self, response: httpx.Response) -> None:
        """Keep the status; one of 400 or more is a failure, and of another the body may fail."""
        if self._has_response:
            return
        self._has_response = True
        status = response.status_code
        self._attributes["http.response.status_code"] = status
        if status >= 400:
            if (wait := _parse_retry_after(response.headers.get("retry-after"))) is not None:
                self._attributes["flight_recorder.http.retry_after_s"] = wait
            self.record_failure(
                f"HTTP {status}", message=f"{status} {response.reason_phrase}".strip()
            )
        else:
            observe_response(response, self)

    def on_error(self, error: BaseException) -> None:
        """Write what kept the reply from arriving."""
        cancelled = isinstance(error, asyncio.CancelledError)
        self.record_failure("cancelled" if cancelled else type(error).__name__, error=error)

    def record_failure(
        self, name: str, *, message: str = "", error: BaseException | None = None
    ) -> None:
        """Write the ATTEMPT span, once; there is none where nothing was being recorded.

        Nor is there one once the work that made it has ended, which says itself how that went.
        """
        if self._span is None or self._is_recorded or self._span.end_time_ns is not None:
            return
        self._is_recorded = True
        kind = type(error).__name__ if error is not None else name
        span = mlflow.start_span_no_context(
            name,
            span_type="ATTEMPT",
            parent_span=self._span,
            attributes=self._attributes | {"error.type": kind},
            start_time_ns=self._start_ns,
        )
        if error is not None and kind.endswith("Timeout"):
            message = self._timeout_message(span, error)
        words = message or (describe_error(error) if error is not None else name)
        span.end(status=SpanStatus(SpanStatusCode.ERROR, words))

    def _timeout_message(self, span: Any, error: BaseException) -> str:
        """The deadline that was missed, in words, and as an attribute in seconds."""
        what = type(error).__name__.removesuffix("Timeout").lower()
        deadline_s = self._timeouts_s.get(what)
        if deadline_s is None:
            return describe_error(error)
        span.set_attribute("flight_recorder.http.timeout_s", deadline_s)
        return f"no {'byte' if what == 'read' else what} within {deadline_s:g} s"


def _parse_retry_after(retry_after: str | None) -> float | None:
    """Retry-After in seconds; a date, its other form, is left out."""
    try:
        return float(retry_after) if retry_after is not None else None
    except ValueError:
        return None
