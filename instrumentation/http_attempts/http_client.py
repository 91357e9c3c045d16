"""Attempts made visible: what an HTTP client is given so that its failed requests are seen."""

from typing import TYPE_CHECKING

import httpx

from instrumentation.http_attempts.attempt import Attempt

if TYPE_CHECKING:
    from instrumentation.http_attempts.crewai_interceptor import TracingInterceptor


def traced_http_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """An HTTP client whose failed attempts are seen: `http_client=` of an OpenAI or AutoGen client.

    Timeouts, redirects and retries are those of the OpenAI client. As with any httpx client that is
    given a transport, proxies of the environment are not read: pass
    `httpx.AsyncHTTPTransport(proxy=…)` to use one.
    """
    from openai import DefaultAsyncHttpxClient

    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
    return DefaultAsyncHttpxClient(
        transport=TracingTransport(transport or httpx.AsyncHTTPTransport(limits=limits))
    )


def tracing_interceptor() -> "TracingInterceptor":
    """The same for a crew: `interceptor=` of a CrewAI `LLM`, whose calls may be sync or async.

    It keeps nothing between requests; agents and threads may share one.
    """
    from instrumentation.http_attempts.crewai_interceptor import (
        TracingInterceptor,  # CrewAI: four seconds
    )

    return TracingInterceptor()


class TracingTransport(httpx.AsyncBaseTransport):
    """A transport that counts the attempts it makes, and records those that fail."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        attempt = Attempt.for_request(request)
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as error:
            attempt.on_error(error)
            raise
        attempt.on_response(response)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()
