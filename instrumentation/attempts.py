"""An attempt: one HTTP request of the several that a completion may take.

A client that retries hides what it retries. Here each attempt that fails leaves an ATTEMPT span
beneath the completion (or tool call) that made it, and the completion counts its attempts. Nothing
of a request or reply is copied but method, path, status and Retry-After.
"""

import asyncio
from collections.abc import AsyncIterator
from time import time_ns
from typing import Any

import httpx
import mlflow
from mlflow.entities import SpanStatus, SpanStatusCode

from patches.interruption import without_keys, words_for

DONE = b"[DONE]"
"""What an OpenAI-compatible endpoint sends at the end of a whole stream."""


def seen_http_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """An HTTP client whose failed attempts are seen: `http_client=` of an OpenAI or AutoGen client.

    Timeouts, redirects and retries are those of the OpenAI client. As with any httpx client that is
    given a transport, proxies of the environment are not read: pass
    `httpx.AsyncHTTPTransport(proxy=…)` to use one.
    """
    from openai import DefaultAsyncHttpxClient

    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
    return DefaultAsyncHttpxClient(
        transport=SeenTransport(transport or httpx.AsyncHTTPTransport(limits=limits))
    )


class SeenTransport(httpx.AsyncBaseTransport):
    """A transport that counts the attempts it makes, and records those that fail."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        attempt = Attempt(request)
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as error:
            attempt.failed(_name(error), error=error)
            raise
        attempt.answered(response)
        if response.status_code < 400:
            response.stream = SeenStream(response, attempt)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class SeenStream(httpx.AsyncByteStream):
    """The body of a reply: read long after the request returned, and as likely to fail."""

    def __init__(self, response: httpx.Response, attempt: "Attempt") -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._inner = response.stream
        self._attempt = attempt
        kind = response.headers.get("content-type", "")
        plain = "content-encoding" not in response.headers
        events = kind.startswith("text/event-stream") and plain
        self._ends_with_done = events and attempt.path.endswith("/completions")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        tail = b""
        try:
            async for chunk in self._inner:
                tail = (tail + chunk)[-64:]
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            cut = self._ends_with_done and isinstance(error, httpx.HTTPError)
            self._attempt.failed("stream cut" if cut else _name(error), error=error)
            raise
        if self._ends_with_done and DONE not in tail:
            self._attempt.failed("stream cut", said=f"the stream ended without {DONE.decode()}")

    async def aclose(self) -> None:
        await self._inner.aclose()


class Attempt:
    """One HTTP request, counted on the span that was active when it was made."""

    def __init__(self, request: httpx.Request) -> None:
        self._span = mlflow.get_current_active_span()
        self._start_ns = time_ns()
        self.path = request.url.path
        self._attributes: dict[str, Any] = {
            "http.request.method": request.method,
            "url.path": request.url.path,
        }
        self._deadlines_s: dict[str, float | None] = request.extensions.get("timeout", {})
        if self._span is not None:
            made = self._span.get_attribute("http.attempts") or 0
            self._span.set_attribute("http.attempts", made + 1)

    def _too_long(self, error: httpx.TimeoutException) -> str:
        """The deadline that was missed, in words, and as an attribute in seconds."""
        what = type(error).__name__.removesuffix("Timeout").lower()
        deadline_s = self._deadlines_s.get(what)
        if deadline_s is None:
            return words_for(error)
        self._attributes["deadline_s"] = deadline_s
        return f"no {'byte' if what == 'read' else what} within {deadline_s:g} s"

    def answered(self, response: httpx.Response) -> None:
        """Keep the status; one of 400 or more is a failure."""
        status = response.status_code
        self._attributes["http.response.status_code"] = status
        if status >= 400:
            if (wait := _seconds(response.headers.get("retry-after"))) is not None:
                self._attributes["retry_after_s"] = wait
            self.failed(f"HTTP {status}", said=f"{status} {response.reason_phrase}".strip())

    def failed(self, name: str, *, said: str = "", error: BaseException | None = None) -> None:
        """Write the ATTEMPT span; there is none where nothing was being recorded."""
        if self._span is None:
            return
        kind = type(error).__name__ if error is not None else name
        span = mlflow.start_span_no_context(
            name,
            span_type="ATTEMPT",
            parent_span=self._span,
            attributes=self._attributes | {"error.type": kind},
            start_time_ns=self._start_ns,
        )
        if isinstance(error, httpx.TimeoutException):
            said = self._too_long(error)
        words = without_keys(said) or (words_for(error) if error is not None else name)
        span.end(status=SpanStatus(SpanStatusCode.ERROR, words))


def _name(error: BaseException) -> str:
    return "cancelled" if isinstance(error, asyncio.CancelledError) else type(error).__name__


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; a date, its other form, is left out."""
    try:
        return float(retry_after) if retry_after is not None else None
    except ValueError:
        return None
