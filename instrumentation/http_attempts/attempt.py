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

from instrumentation.http_attempts.response_body import seen
from patches.support.span_errors import words_for

UNDER_WAY = "flight_recorder.attempt"
"""Where a request keeps its attempt, for all who see it made: httpx hands it on, and sends none."""


class Attempt:
    """One HTTP request, counted on the span that was active when it was made."""

    def __init__(self, request: httpx.Request) -> None:
        self._span = mlflow.get_current_active_span()
        self._start_ns = time_ns()
        self._written = False
        self._answered = False
        self.path = request.url.path
        self._attributes: dict[str, Any] = {
            "http.request.method": request.method,
            "url.path": request.url.path,
        }
        self._deadlines_s: dict[str, float | None] = request.extensions.get("timeout", {})
        if self._span is not None:
            made = self._span.get_attribute("http.attempts") or 0
            self._span.set_attribute("http.attempts", made + 1)

    @classmethod
    def of(cls, request: httpx.Request) -> "Attempt":
        """The attempt that a request is: one, whoever else sees it made."""
        attempt: Attempt | None = request.extensions.get(UNDER_WAY)
        if attempt is None:
            attempt = request.extensions[UNDER_WAY] = cls(request)
        return attempt

    def answered(self, response: httpx.Response) -> None:
        """Keep the status; one of 400 or more is a failure, and of another the body may fail."""
        if self._answered:
            return
        self._answered = True
        status = response.status_code
        self._attributes["http.response.status_code"] = status
        if status >= 400:
            if (wait := _seconds(response.headers.get("retry-after"))) is not None:
                self._attributes["retry_after_s"] = wait
            self.failed(f"HTTP {status}", said=f"{status} {response.reason_phrase}".strip())
        else:
            seen(response, self)

    def raised(self, error: BaseException) -> None:
        """Write what kept the reply from arriving."""
        cancelled = isinstance(error, asyncio.CancelledError)
        self.failed("cancelled" if cancelled else type(error).__name__, error=error)

    def failed(self, name: str, *, said: str = "", error: BaseException | None = None) -> None:
        """Write the ATTEMPT span, once; there is none where nothing was being recorded.

        Nor is there one once the work that made it has ended, which says itself how that went.
        """
        if self._span is None or self._written or self._span.end_time_ns is not None:
            return
        self._written = True
        kind = type(error).__name__ if error is not None else name
        span = mlflow.start_span_no_context(
            name,
            span_type="ATTEMPT",
            parent_span=self._span,
            attributes=self._attributes | {"error.type": kind},
            start_time_ns=self._start_ns,
        )
        if error is not None and kind.endswith("Timeout"):
            said = self._too_long(span, error)
        words = said or (words_for(error) if error is not None else name)
        span.end(status=SpanStatus(SpanStatusCode.ERROR, words))

    def _too_long(self, span: Any, error: BaseException) -> str:
        """The deadline that was missed, in words, and as an attribute in seconds."""
        what = type(error).__name__.removesuffix("Timeout").lower()
        deadline_s = self._deadlines_s.get(what)
        if deadline_s is None:
            return words_for(error)
        span.set_attribute("deadline_s", deadline_s)
        return f"no {'byte' if what == 'read' else what} within {deadline_s:g} s"


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; a date, its other form, is left out."""
    try:
        return float(retry_after) if retry_after is not None else None
    except ValueError:
        return None
