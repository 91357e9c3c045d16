"""An attempt: one HTTP request of the several that a completion may take.

A client that retries hides what it retries. Here each attempt that fails leaves an ATTEMPT span
beneath the completion (or tool call) that made it, and the completion counts its attempts. Nothing
of a request or reply is copied but method, path, status and Retry-After.
"""

import asyncio
import json
from time import time_ns
from typing import Any

import httpx
import mlflow
from mlflow.entities import SpanStatus, SpanStatusCode

from patches.interruption import words_for

DONE = b"[DONE]"
"""What an OpenAI-compatible endpoint sends at the end of a whole stream."""


class Attempt:
    """One HTTP request, counted on the span that was active when it was made."""

    def __init__(self, request: httpx.Request) -> None:
        self._span = mlflow.get_current_active_span()
        self._start_ns = time_ns()
        self._written = False
        self.path = request.url.path
        self._attributes: dict[str, Any] = {
            "http.request.method": request.method,
            "url.path": request.url.path,
        }
        self._deadlines_s: dict[str, float | None] = request.extensions.get("timeout", {})
        if self._span is not None:
            made = self._span.get_attribute("http.attempts") or 0
            self._span.set_attribute("http.attempts", made + 1)

    def answered(self, response: httpx.Response) -> None:
        """Keep the status; one of 400 or more is a failure."""
        status = response.status_code
        self._attributes["http.response.status_code"] = status
        if status >= 400:
            if (wait := _seconds(response.headers.get("retry-after"))) is not None:
                self._attributes["retry_after_s"] = wait
            self.failed(f"HTTP {status}", said=f"{status} {response.reason_phrase}".strip())

    def raised(self, error: BaseException) -> None:
        """Write what kept the reply from arriving."""
        cancelled = isinstance(error, asyncio.CancelledError)
        self.failed("cancelled" if cancelled else type(error).__name__, error=error)

    def failed(self, name: str, *, said: str = "", error: BaseException | None = None) -> None:
        """Write the ATTEMPT span, once; there is none where nothing was being recorded."""
        if self._span is None or self._written:
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


class Body:
    """The body of a reply: read long after the request returned, and as likely to fail."""

    def __init__(self, response: httpx.Response, attempt: Attempt) -> None:
        self._attempt = attempt
        self._tail = b""
        kind = response.headers.get("content-type", "")
        plain = "content-encoding" not in response.headers
        events = kind.startswith("text/event-stream") and plain
        self._ends_with_done = events and attempt.path.endswith("/completions")
        self._whole = bytearray() if kind.startswith("application/json") and plain else None

    def passed(self, chunk: bytes) -> bytes:
        """Be told of each chunk."""
        self._tail = (self._tail + chunk)[-64:]
        if self._whole is not None:
            self._whole += chunk
        return chunk

    def broke(self, error: BaseException) -> None:
        """Be told of what ended it early."""
        if self._ends_with_done and isinstance(error, httpx.HTTPError):
            self._attempt.failed("stream cut", error=error)
        else:
            self._attempt.raised(error)

    def ended(self) -> None:
        """Be told that no more is coming: a stream of completions says [DONE] first, and what is
        called JSON is JSON."""
        if self._ends_with_done and DONE not in self._tail:
            said = f"the stream ended without {DONE.decode()}"
            self._attempt.failed("stream cut", said=said)
        if self._whole and not _is_json(self._whole):
            self._attempt.failed("malformed", said="the reply is called JSON, and is none")


def _is_json(body: bytearray) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    except RecursionError:
        pass  # too deep for this reader, which is no fault of the reply
    return True


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; a date, its other form, is left out."""
    try:
        return float(retry_after) if retry_after is not None else None
    except ValueError:
        return None
