"""A web search: Tavily, asked through its own client."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from tavily import AsyncTavilyClient  # type: ignore[import-untyped] # it has no py.typed
from tavily.errors import (  # type: ignore[import-untyped] # as above
    BadRequestError,
    ForbiddenError,
    InvalidAPIKeyError,
    TimeoutError,
    UsageLimitExceededError,
)

from workflows.search_arguments import Query
from workflows.search_tools import Found, NoAnswer, Tool, found

KEYLESS = {"X-Tavily-Access-Mode": "keyless", "X-Client-Source": "tavily-python-keyless"}
"""What Tavily's client says of itself without a key, unless it is given an HTTP client."""
REFUSALS = {
    InvalidAPIKeyError: "it refuses the key (HTTP 401); do not ask again",
    ForbiddenError: "it is not allowed (HTTP 403); do not ask again",
    UsageLimitExceededError: "its limit is reached (HTTP 429); go on without it",
    BadRequestError: "it does not understand the request (HTTP 400); ask otherwise",
}
"""What Tavily's errors mean, in words of ours: its own may repeat what it was sent, the key too."""

LONGEST_S = 60.0
"""How long Tavily is waited for where there is no deadline: its client always has one."""


def web_search(
    address: str, key: str | None, http: httpx.AsyncClient, deadline_s: float | None
) -> Tool:
    """The tool. `http` is to be its own: Tavily's client adds the key to the headers of it."""
    search = WebSearch(address, key, http, deadline_s)
    return Tool("web_search", "Search the web.", Query, search)


@dataclass(frozen=True)
class WebSearch:
    """Tavily at `address`; without a key in its keyless mode."""

    address: str
    key: str | None
    http: httpx.AsyncClient
    deadline_s: float | None

    async def __call__(self, query: str) -> Sequence[Found]:
        """The best hits of the web, asked for once. Raises `NoAnswer`."""
        patience_s = self.deadline_s or LONGEST_S
        try:
            reply = await self._client().search(query, timeout=patience_s)
            return [found(hit["title"], hit["content"], hit["url"]) for hit in reply["results"]]
        except tuple(REFUSALS) as error:
            raise NoAnswer(f"no web search: {REFUSALS[type(error)]}") from None
        except TimeoutError:
            raise NoAnswer(f"no web search: no answer within {patience_s:g} s") from None
        except httpx.HTTPStatusError as error:
            raise NoAnswer(f"no web search: HTTP {error.response.status_code}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswer(f"no web search: it did not answer ({type(error).__name__})") from None
        # Tavily's client takes whatever it is sent for an object with a list of objects.
        except (ValueError, AttributeError, TypeError, KeyError) as error:
            raise NoAnswer(f"no web search: an answer of another shape ({error})") from None

    def _client(self) -> AsyncTavilyClient:
        if not self.key:
            self.http.headers.update(KEYLESS)
        # An empty key is none; with None the client would look into the environment.
        return AsyncTavilyClient(self.key or "", api_base_url=self.address, client=self.http)
