"""Record the failed HTTP requests of a CrewAI LLM, through CrewAI's interceptor hook.

The hook sees requests and responses. Failures between them are reported by httpcore's trace
extension.
"""

from contextvars import ContextVar
from functools import partial
from typing import Any

import httpcore
import httpx
from crewai.llms.hooks.base import BaseInterceptor

from instrumentation.http_attempts.failed_attempt import Attempt

_CURRENT_ATTEMPT: ContextVar[Attempt] = ContextVar("current_attempt")
"""The request of the running code: CrewAI passes a response without its request."""


class FailureRecordingInterceptor(BaseInterceptor[httpx.Request, httpx.Response]):
    """Counts the HTTP requests of a CrewAI LLM on the current span, and records those that fail."""

    def on_outbound(self, message: httpx.Request) -> httpx.Request:
        message.extensions["trace"] = partial(_record_failure, _start_attempt(message))
        return message

    async def aon_outbound(self, message: httpx.Request) -> httpx.Request:
        attempt = _start_attempt(message)

        async def trace(event: str, info: dict[str, Any]) -> None:
            _record_failure(attempt, event, info)

        message.extensions["trace"] = trace
        return message

    def on_inbound(self, message: httpx.Response) -> httpx.Response:
        _CURRENT_ATTEMPT.get().record_response(message)
        return message

    async def aon_inbound(self, message: httpx.Response) -> httpx.Response:
        return self.on_inbound(message)


def _start_attempt(request: httpx.Request) -> Attempt:
    attempt = Attempt.for_request(request)
    _CURRENT_ATTEMPT.set(attempt)
    return attempt


def _record_failure(attempt: Attempt, event: str, info: dict[str, Any]) -> None:
    """Record a failure that occurred before the response headers arrived.

    A request that could not be written completely may still get a response, because httpcore goes
    on to read. Failures of the body are recorded by its observer.
    """
    phase = event.partition(".")[2]
    is_body = phase.startswith(("receive_response_body", "response_closed"))
    if not phase.endswith(".failed") or is_body:
        return
    if not isinstance(info["exception"], httpcore.WriteError):
        attempt.record_error(info["exception"])
