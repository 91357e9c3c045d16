"""The tool `search_index`: ask our own index service (services/index.py) for facts on a country."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Annotated

import httpx
from mlflow.tracing import get_tracing_context_headers_for_http_request
from pydantic import Field

from instrumentation import traced_http_client
from workflows.support.search.tools import Hit, SearchFailedError, Tool, make_hit
from workflows.support.search.web_search import Query

RetryDelay = Callable[[int, float | None], float | None]
"""Takes the number of attempts and Retry-After; returns how long to wait (s), or None to stop."""


class CountryQuery(Query):
    """What to search the index of facts for."""

    country: Annotated[
        str, Field(pattern="^[A-Z]{3}$", description="the three letters of its code, such as FRA")
    ]


@asynccontextmanager
async def index_search_tool(
    base_url: str, timeout_s: float | None, retry_delay_s: RetryDelay
) -> AsyncGenerator[Tool]:
    """Open the tool with an HTTP client of its own."""
    async with traced_http_client() as http:
        search = IndexSearch(base_url, http, timeout_s, retry_delay_s).search
        description = "Search an index of lasting facts about one country."
        yield Tool("search_index", description, CountryQuery, search)


@dataclass(frozen=True)
class IndexSearch:
    """The index at `base_url`. Its own spans become children of the calling span."""

    base_url: str
    http: httpx.AsyncClient
    timeout_s: float | None
    retry_delay_s: RetryDelay

    async def search(self, query: str, country: str) -> Sequence[Hit]:
        """Return the best facts about a country.

        Repeats a request that is answered 503 for as long as `retry_delay_s` allows. Raises
        `SearchFailedError`.
        """
        for attempt in count(1):
            try:
                response = await self._request(query, country)
                if response.status_code != 503:
                    return _read_hits(response)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                name = type(error).__name__
                raise SearchFailedError(f"no index: it did not answer ({name})") from None
            except (ValueError, AttributeError, TypeError, KeyError) as error:
                message = f"the index service's answer has an unexpected structure ({error})"
                raise SearchFailedError(message) from None
            delay_s = self.retry_delay_s(attempt, _seconds(response.headers.get("retry-after")))
            if delay_s is None:
                break
            await asyncio.sleep(delay_s)
        reason = _read_reason(response)
        raise SearchFailedError(f"the index is unavailable, asked {attempt} times: {reason}")

    async def _request(self, query: str, country: str) -> httpx.Response:
        return await self.http.get(
            f"{self.base_url.rstrip('/')}/search",
            params={"q": query, "country": country},
            timeout=self.timeout_s,
            headers=get_tracing_context_headers_for_http_request(),
        )


def _read_hits(response: httpx.Response) -> Sequence[Hit]:
    if response.status_code != 200:
        reason = _read_reason(response)
        raise SearchFailedError(f"no index: HTTP {response.status_code}: {reason}")
    hits = response.json()["results"]
    return [make_hit(hit["title"], hit["text"], hit["source"]) for hit in hits]


def _read_reason(response: httpx.Response) -> str:
    """The service's own explanation of its error."""
    try:
        return str(response.json()["error"])
    except (ValueError, TypeError, KeyError):
        return response.reason_phrase or "no reason given"


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; None for its other form, a date."""
    is_number = retry_after is not None and re.fullmatch(r"\d+(\.\d+)?", retry_after)
    return float(retry_after) if retry_after and is_number else None
