"""HTTP clients that record failed requests: for openai and AutoGen, and for CrewAI."""

from typing import TYPE_CHECKING

import httpx

from instrumentation.http_attempts.attempt import Attempt

if TYPE_CHECKING:
    from instrumentation.http_attempts.crewai_interceptor import TracingInterceptor


def traced_http_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Create an HTTP client that records failed requests, for OpenAI and AutoGen clients.

    Timeouts, redirects and retries are those of the OpenAI client. Like any httpx client with a
    transport, it ignores the proxies of the environment: pass `httpx.AsyncHTTPTransport(proxy=…)`.

    Example:
        client = openai.AsyncOpenAI(http_client=traced_http_client())

    Args:
        transport: The transport that makes the requests. Default: a new one.
    """
    from openai import DefaultAsyncHttpxClient

    limits = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
    inner = transport or httpx.AsyncHTTPTransport(limits=limits)
    return DefaultAsyncHttpxClient(transport=TracingTransport(inner))


def tracing_interceptor() -> "TracingInterceptor":
    """Create an interceptor that records failed requests, for CrewAI's LLM, sync or async.

    It holds no state between requests, so agents and threads may share one.

    Example:
        llm = crewai.LLM(model="gpt-4o", interceptor=tracing_interceptor())
    """
    # Importing CrewAI takes four seconds.
    from instrumentation.http_attempts.crewai_interceptor import TracingInterceptor

    return TracingInterceptor()


class TracingTransport(httpx.AsyncBaseTransport):
    """A transport that counts its requests on the current span, and records those that fail."""

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
