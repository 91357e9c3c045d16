"""The tool `web_search`: Tavily, called with its own client."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import httpx
import mlflow
from pydantic import BaseModel, ConfigDict, Field
from tavily import AsyncTavilyClient  # type: ignore[import-untyped] # it has no py.typed
from tavily.errors import (  # type: ignore[import-untyped] # as above
    BadRequestError,
    ForbiddenError,
    InvalidAPIKeyError,
    TimeoutError,
    UsageLimitExceededError,
)

from instrumentation import traced_http_client
from workflows.support.search.tools import Hit, SearchFailedError, Tool, make_hit

KEYLESS_HEADERS = {"X-Tavily-Access-Mode": "keyless", "X-Client-Source": "tavily-python-keyless"}
"""The headers that Tavily's client sends without a key, unless it is given an HTTP client."""
REFUSALS = {
    InvalidAPIKeyError: "it refuses the key (HTTP 401); do not ask again",
    ForbiddenError: "it is not allowed (HTTP 403); do not ask again",
    UsageLimitExceededError: "its limit is reached (HTTP 429); go on without it",
    BadRequestError: "it does not understand the request (HTTP 400); ask otherwise",
}
"""Tavily's errors in our words: its own messages may repeat what it was sent, even the key."""
DEFAULT_TIMEOUT_S = 60.0
"""Tavily's client always has a timeout; this one is used if we have none."""


class Query(BaseModel):
    """What to search the web for."""

    model_config = ConfigDict(extra="forbid")

    # Tavily accepts at most 400 characters.
    query: Annotated[str, Field(min_length=1, max_length=400, description="a few words")]


@asynccontextmanager
async def web_search_tool(
    base_url: str, api_key: str | None, timeout_s: float | None
) -> AsyncGenerator[Tool]:
    """Open the tool with an HTTP client of its own: Tavily's client adds the key to its headers."""
    async with traced_http_client() as http:
        search = WebSearch(base_url, api_key, http, timeout_s).search
        yield Tool("web_search", "Search the web.", Query, search)


@dataclass(frozen=True)
class WebSearch:
    """Tavily at `base_url`; without a key in its keyless mode."""

    base_url: str
    api_key: str | None
    http: httpx.AsyncClient
    timeout_s: float | None

    async def search(self, query: str) -> Sequence[Hit]:
        """Return Tavily's best hits. It asks once; raises `SearchFailedError`."""
        timeout_s = self.timeout_s or DEFAULT_TIMEOUT_S
        try:
            response = await self._client().search(query, timeout=timeout_s)
            if span := mlflow.get_current_active_span():
                span.set_attribute("flight_recorder.http.request", "POST /search")
                span.set_attribute("flight_recorder.http.reply", response)
            return [
                make_hit(hit["title"], hit["content"], hit["url"]) for hit in response["results"]
            ]
        except tuple(REFUSALS) as error:
            raise SearchFailedError(f"no web search: {REFUSALS[type(error)]}") from None
        except TimeoutError:
            raise SearchFailedError(f"no web search: no answer within {timeout_s:g} s") from None
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise SearchFailedError(f"no web search: HTTP {status}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            name = type(error).__name__
            raise SearchFailedError(f"no web search: it did not answer ({name})") from None
        # Tavily's client assumes that every answer is an object with a list of objects.
        except (ValueError, AttributeError, TypeError, KeyError) as error:
            message = f"the web search's answer has an unexpected structure ({error})"
            raise SearchFailedError(message) from None

    def _client(self) -> AsyncTavilyClient:
        if not self.api_key:
            self.http.headers.update(KEYLESS_HEADERS)
        # With None the client would look for a key in the environment; "" means no key.
        return AsyncTavilyClient(self.api_key or "", api_base_url=self.base_url, client=self.http)
