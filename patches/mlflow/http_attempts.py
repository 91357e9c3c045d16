"""HTTP attempts, told of as they are made: a client that tries again hides what failed before.

All that a completion asks for with httpx, whose client it may be, passes one method of it. What is
told of them is told beneath the span of the completion; there is nobody to tell where none is open.
"""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, Protocol

import httpx

from patches.patch import Patch
from patches.support.open_span import OpenSpan
from patches.support.subclass_wrapping import wrap_in_subclasses


class AttemptRecorder(Protocol):
    """One request, of which it is told what became of it."""

    def on_response(self, response: httpx.Response) -> None: ...
    def on_error(self, error: BaseException) -> None: ...


OnAttempt = Callable[[httpx.Request], AttemptRecorder]
"""Is told of each request as it is made."""
Send = Callable[[Any, httpx.Request], httpx.Response]
AsyncSend = Callable[[Any, httpx.Request], Awaitable[httpx.Response]]


def http_attempts_patch(on_attempt: OnAttempt) -> Patch:
    """Tell of each request that a completion takes."""
    return Patch(
        name="http_attempts",
        symptom="what a client retries leaves no trace: a completion says nothing of its failures",
        upstream="mlflow.openai.autolog (`patched_call`, around all attempts)",
        versions={"mlflow": ">=3.17", "httpx": ">=0.27,<1"},
        delete_when="the span of a completion tells of each attempt that failed",
        canary="tests/patches/openai/test_http_attempts.py::test_autolog_alone_tells_of_a_failed_attempt",
        apply=lambda: _apply(on_attempt),
    )


@contextmanager
def _apply(on_attempt: OnAttempt) -> Generator[None]:
    name = "_send_single_request"
    with (
        wrap_in_subclasses(httpx.Client, name, partial(_wrap_send, on_attempt)),
        wrap_in_subclasses(httpx.AsyncClient, name, partial(_wrap_async_send, on_attempt)),
    ):
        yield


def _wrap_send(on_attempt: OnAttempt, send: Send) -> Send:
    @wraps(send)
    def told(self: Any, request: httpx.Request) -> httpx.Response:
        if not _is_inside_llm_span():
            return send(self, request)
        attempt = on_attempt(request)
        try:
            response = send(self, request)
        except BaseException as error:
            attempt.on_error(error)
            raise
        attempt.on_response(response)
        return response

    return told


def _wrap_async_send(on_attempt: OnAttempt, send: AsyncSend) -> AsyncSend:
    @wraps(send)
    async def told(self: Any, request: httpx.Request) -> httpx.Response:
        if not _is_inside_llm_span():
            return await send(self, request)
        attempt = on_attempt(request)
        try:
            response = await send(self, request)
        except BaseException as error:
            attempt.on_error(error)
            raise
        attempt.on_response(response)
        return response

    return told


def _is_inside_llm_span() -> bool:
    span = OpenSpan.innermost()
    return span is not None and not span.is_ended and span.span.span_type == "LLM"
