"""An interceptor: what CrewAI lets us put before and after each request of a crew's LLM.

It is told of requests and replies; of what fails between the two, httpcore's trace extension tells.
"""

from contextvars import ContextVar
from typing import Any

import httpcore
import httpx
from crewai.llms.hooks.base import BaseInterceptor

from instrumentation.http_attempts.attempt import Attempt

_CURRENT_ATTEMPT: ContextVar[Attempt] = ContextVar("attempt under way")
"""The running code's request: CrewAI shows us a reply without the request that it answers."""


class TracingInterceptor(BaseInterceptor[httpx.Request, httpx.Response]):
    """Counts the attempts of a crew's LLM on the current span, and records those that fail."""

    def on_outbound(self, message: httpx.Request) -> httpx.Request:
        attempt = _start_attempt(message)

        def trace(event: str, info: dict[str, Any]) -> None:
            _record_failure(attempt, event, info)

        message.extensions["trace"] = trace
        return message

    async def aon_outbound(self, message: httpx.Request) -> httpx.Request:
        attempt = _start_attempt(message)

        async def trace(event: str, info: dict[str, Any]) -> None:
            _record_failure(attempt, event, info)

        message.extensions["trace"] = trace
        return message

    def on_inbound(self, message: httpx.Response) -> httpx.Response:
        _CURRENT_ATTEMPT.get().on_response(message)
        return message

    async def aon_inbound(self, message: httpx.Response) -> httpx.Response:
        _CURRENT_ATTEMPT.get().on_response(message)
        return message


def _start_attempt(request: httpx.Request) -> Attempt:
    attempt = Attempt.for_request(request)
    _CURRENT_ATTEMPT.set(attempt)
    return attempt


def _record_failure(attempt: Attempt, event: str, info: dict[str, Any]) -> None:
    """Record what failed before the reply's headers were there.

    A request that could not be written whole may be answered all the same: httpcore reads on. The
    body's failures are the stream's, which knows whether it was whole.
    """
    step = event.partition(".")[2]
    if not step.endswith(".failed") or step.startswith(
        ("receive_response_body", "response_closed")
    ):
        return
    if not isinstance(info["exception"], httpcore.WriteError):
        attempt.on_error(info["exception"])
