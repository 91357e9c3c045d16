"""Create an httpx client, or an interceptor for CrewAI, that records failed requests as spans."""

from typing import TYPE_CHECKING, Any, Self

from instrumentation.http_attempts.failed_attempt import Attempt
from patches.support.error_boundaries import OnError
from patches.support.http_clients import http_modules

if TYPE_CHECKING:
    import httpx

    from instrumentation.http_attempts.crewai_interceptor import FailureRecordingInterceptor


def traced_http_client(transport: "httpx.AsyncBaseTransport | None" = None) -> "httpx.AsyncClient":
    """Create an HTTP client that records failed requests, for OpenAI and AutoGen clients.

    Timeouts, redirects and retries are those of the OpenAI client, which is built on httpx, or from
    openai 3 on httpx2. Like any client with a transport, it ignores the proxies of the environment:
    pass `httpx.AsyncHTTPTransport(proxy=…)`.

    Example:
        client = openai.AsyncOpenAI(http_client=traced_http_client())
    """
    from openai import DefaultAsyncHttpxClient

    default: Any = DefaultAsyncHttpxClient
    http = next(http for http in http_modules() if issubclass(default, http.AsyncClient))
    limits = http.Limits(max_connections=1000, max_keepalive_connections=100)
    inner = transport or http.AsyncHTTPTransport(limits=limits)
    client: httpx.AsyncClient = default(transport=FailureRecordingTransport(inner))
    return client


def tracing_interceptor() -> "FailureRecordingInterceptor":
    """Create an interceptor that records failed requests, for CrewAI's LLM, sync or async.

    It holds no state between requests, so agents and threads may share one.

    Example:
        llm = crewai.LLM(model="gpt-4o", interceptor=tracing_interceptor())
    """
    # Importing CrewAI takes four seconds.
    from instrumentation.http_attempts.crewai_interceptor import FailureRecordingInterceptor

    return FailureRecordingInterceptor()


class FailureRecordingTransport:
    """A transport that counts its requests on the current span, and records those that fail.

    It is a transport for the clients of httpx and httpx2 alike, so it is a subclass of neither's.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def handle_async_request(self, request: "httpx.Request") -> "httpx.Response":
        attempt = Attempt.for_request(request)
        with OnError(attempt.record_error):
            response: httpx.Response = await self._inner.handle_async_request(request)
        attempt.record_response(response)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._inner.__aexit__(*error)
