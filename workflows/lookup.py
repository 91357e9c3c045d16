"""A lookup: a question to an archive of clips, which says how far it has come with it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, Self

import httpx
import mlflow
from mlflow.tracing import get_tracing_context_headers_for_http_request
from pydantic import BaseModel, ValidationError


class NoArchive(Exception):
    """Raised when the archive gives no answer, or none that is one."""


class NoNews(Exception):
    """Raised when a lookup says the same again and again: it has stopped, whatever it calls it."""


class Lookup(BaseModel):
    """How far the archive has come: through so many clips, of so many."""

    id: str
    state: Literal["running", "done"]
    looked_through: int
    of: int
    matches: list[str] = []

    def is_news_after(self, furthest: Self) -> bool:
        """Whether it has come further. A step back is no news: it could go to and fro for ever."""
        return self.state != furthest.state or self.looked_through > furthest.looked_through


Ask = Callable[[], Awaitable[Lookup]]
"""Asks the archive how far it has come."""
Waits = Callable[[Ask, float], Awaitable[Lookup]]
"""How a lookup is waited for: by asking, and asking again after so many seconds."""


async def until_done(ask: Ask, every_s: float, patience: int = 5) -> Lookup:
    """The lookup when it is done, however long it takes, as long as it gets on.

    Raises `NoNews` when it has said the same `patience` times after the first.
    """
    lookup = furthest = await ask()
    same = 0
    while lookup.state != "done":
        if same == patience:
            raise NoNews(
                f"the archive has looked through {furthest.looked_through} of {furthest.of} clips,"
                f" and said the same {same + 1} times: report the lookup as unfinished"
            )
        await asyncio.sleep(every_s)
        lookup = await ask()
        if lookup.is_news_after(furthest):
            furthest, same = lookup, 0
        else:
            same += 1
    return lookup


class Archive:
    """The archive as one run knows it: each fingerprint is looked up once, and then asked after."""

    def __init__(self, http: httpx.AsyncClient, address: str, deadline_s: float | None) -> None:
        self._http, self._address, self._deadline_s = http, address, deadline_s
        self._furthest: dict[str, Lookup] = {}
        self._silent: dict[str, int] = {}
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, fingerprint: str) -> Lookup:
        """How far the lookup has come; it is begun by the first who asks. Raises `NoArchive`.

        The current span bears how often was asked, how often in vain, and what was answered last.
        """
        async with self._one_at_a_time:
            now = await self._asked(fingerprint)
        if span := mlflow.get_current_active_span():
            span.set_attributes(
                {
                    "flight_recorder.lookup.ask_count": int(
                        span.get_attribute("flight_recorder.lookup.ask_count") or 0
                    )
                    + 1,
                    "flight_recorder.lookup.silent_count": self._silent[now.id],
                    "flight_recorder.lookup.state": now.state,
                    "flight_recorder.lookup.looked_through": now.looked_through,
                }
            )
        return now

    async def _asked(self, fingerprint: str) -> Lookup:
        if (furthest := self._furthest.get(fingerprint)) is None:
            now = await self._sent("POST", "/lookups", {"fingerprint": fingerprint})
        else:
            now = await self._sent("GET", f"/lookups/{furthest.id}")
        news = furthest is None or now.is_news_after(furthest)
        self._silent[now.id] = 0 if news else self._silent.get(now.id, 0) + 1
        self._furthest[fingerprint] = now if news or furthest is None else furthest
        return now

    async def _sent(self, method: str, path: str, body: dict[str, str] | None = None) -> Lookup:
        try:
            reply = await self._http.request(
                method,
                f"{self._address}{path}",
                json=body,
                timeout=self._deadline_s,
                headers=get_tracing_context_headers_for_http_request(),
            )
            reply.raise_for_status()
            return Lookup.model_validate_json(reply.content)
        except httpx.HTTPStatusError as error:
            raise NoArchive(f"the archive answered HTTP {error.response.status_code}") from error
        except httpx.HTTPError as error:
            raise NoArchive(f"the archive did not answer ({type(error).__name__})") from error
        except ValidationError as error:
            raise NoArchive("the archive's answer is no lookup") from error
