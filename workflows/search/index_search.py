"""A search of the index: our own service (services/index.py), asked over HTTP in the same trace."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import httpx
from mlflow.tracing import get_tracing_context_headers_for_http_request

from workflows.search_arguments import CountryQuery
from workflows.search_tools import Found, NoAnswer, Tool, found

AsksAgain = Callable[[int, float | None], float | None]
"""Told how often it was asked and what Retry-After says, in seconds: how long to wait, or None."""
PATIENCE_S = 5.0
"""The longest wait that a tool call is worth."""


def twice_more(asked: int, retry_after_s: float | None) -> float | None:
    """Two more times, when the service says, or after half a second and a second."""
    wait_s = 0.5 * asked if retry_after_s is None else retry_after_s
    return wait_s if asked <= 2 and wait_s <= PATIENCE_S else None


def search_index(
    address: str, http: httpx.AsyncClient, deadline_s: float | None, asks_again: AsksAgain
) -> Tool:
    """The tool."""
    about = "Search an index of lasting facts about one country."
    search = IndexSearch(address, http, deadline_s, asks_again)
    return Tool("search_index", about, CountryQuery, search)


@dataclass(frozen=True)
class IndexSearch:
    """The index at `address`. What it does stands in the trace beneath the call that asks it."""

    address: str
    http: httpx.AsyncClient
    deadline_s: float | None
    asks_again: AsksAgain

    async def __call__(self, query: str, country: str) -> Sequence[Found]:
        """The best facts about a country. Raises `NoAnswer`, also when it stays unavailable."""
        for asked in count(1):
            try:
                reply = await self._asked(query, country)
                if reply.status_code != 503:
                    return _found(reply)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise NoAnswer(f"no index: it did not answer ({type(error).__name__})") from None
            except (ValueError, AttributeError, TypeError, KeyError) as error:
                raise NoAnswer(f"no index: an answer of another shape ({error})") from None
            wait_s = self.asks_again(asked, _seconds(reply.headers.get("retry-after")))
            if wait_s is None:
                break
            await asyncio.sleep(wait_s)
        raise NoAnswer(f"the index is unavailable, asked {asked} times: {_reason(reply)}")

    async def _asked(self, query: str, country: str) -> httpx.Response:
        return await self.http.get(
            f"{self.address.rstrip('/')}/search",
            params={"q": query, "country": country},
            timeout=self.deadline_s,
            headers=get_tracing_context_headers_for_http_request(),
        )


def _found(reply: httpx.Response) -> Sequence[Found]:
    if reply.status_code != 200:
        raise NoAnswer(f"no index: HTTP {reply.status_code}: {_reason(reply)}")
    hits = reply.json()["results"]
    return [found(hit["title"], hit["text"], hit["source"]) for hit in hits]


def _reason(reply: httpx.Response) -> str:
    """Why the service does not answer, as it says itself."""
    try:
        return str(reply.json()["error"])
    except (ValueError, TypeError, KeyError):
        return reply.reason_phrase or "no reason given"


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; of its other form, a date, nothing is known."""
    whole = retry_after is not None and re.fullmatch(r"\d+(\.\d+)?", retry_after)
    return float(retry_after) if retry_after and whole else None
