"""Look up a clip in the archive: start a slow search at its HTTP service, and poll its progress."""

import asyncio
from typing import Literal, Self

import httpx
import mlflow
from mlflow.tracing import get_tracing_context_headers_for_http_request
from pydantic import BaseModel, ValidationError

from workflows.support.media.clip import Clip
from workflows.support.media.fingerprint import compute_fingerprint


class ArchiveError(Exception):
    """The archive does not answer, or its answer is not the progress of a lookup."""


class StalledLookupError(Exception):
    """The lookup makes no progress, although the archive says that it is running."""


class LookupProgress(BaseModel):
    """How many clips of the archive were compared so far, of how many, and which of them match."""

    id: str
    state: Literal["running", "done"]
    looked_through: int
    of: int
    matches: list[str] = []

    def is_ahead_of(self, earlier: Self) -> bool:
        """Whether this is later. A step back is not: a lookup could go back and forth for ever."""
        return self.state != earlier.state or self.looked_through > earlier.looked_through


class ArchiveLookup:
    """The lookup of one clip in one run. It is started by the first poll."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, clip: Clip, timeout_s: float | None = 60.0
    ) -> None:
        self._http, self._url, self._clip, self._timeout_s = http, url, clip, timeout_s
        self._furthest: LookupProgress | None = None
        self._unchanged_polls = 0
        self._lock = asyncio.Lock()

    async def wait(self, poll_interval_s: float, max_unchanged_polls: int = 5) -> LookupProgress:
        """Poll the lookup until it is done, for as long as it makes progress.

        Raises:
            ArchiveError: The archive does not answer.
            StalledLookupError: `max_unchanged_polls` polls in a row showed no progress.
        """
        while (progress := await self.poll()).state != "done":
            if self._unchanged_polls >= max_unchanged_polls:
                furthest = self._furthest or progress
                raise StalledLookupError(
                    f"the archive has looked through {furthest.looked_through} of {furthest.of}"
                    f" clips, and said the same {self._unchanged_polls + 1} times: report the"
                    " lookup as unfinished"
                )
            await asyncio.sleep(poll_interval_s)
        return progress

    async def poll(self) -> LookupProgress:
        """Return the progress of the lookup.

        The current span records how often it polled, how many polls in a row showed no progress,
        and the last answer. Raises `ArchiveError`, and `NotMeasurableError` if the clip has no
        fingerprint.
        """
        async with self._lock:
            progress = await self._start_or_poll()
        if span := mlflow.get_current_active_span():
            polls = int(span.get_attribute("flight_recorder.lookup.poll_count") or 0) + 1
            span.set_attributes(
                {
                    "flight_recorder.lookup.poll_count": polls,
                    "flight_recorder.lookup.unchanged_poll_count": self._unchanged_polls,
                    "flight_recorder.lookup.state": progress.state,
                    "flight_recorder.lookup.looked_through": progress.looked_through,
                }
            )
        return progress

    async def _start_or_poll(self) -> LookupProgress:
        if self._furthest is None:
            body = {"fingerprint": compute_fingerprint(self._clip)}
            self._furthest = await self._request("POST", "/lookups", body)
            return self._furthest
        progress = await self._request("GET", f"/lookups/{self._furthest.id}")
        if progress.is_ahead_of(self._furthest):
            self._furthest, self._unchanged_polls = progress, 0
        else:
            self._unchanged_polls += 1
        return progress

    async def _request(
        self, method: str, path: str, body: dict[str, str] | None = None
    ) -> LookupProgress:
        try:
            response = await self._http.request(
                method,
                f"{self._url}{path}",
                json=body,
                timeout=self._timeout_s,
                headers=get_tracing_context_headers_for_http_request(),
            )
            response.raise_for_status()
            return LookupProgress.model_validate_json(response.content)
        except httpx.HTTPStatusError as error:
            raise ArchiveError(f"the archive answered HTTP {error.response.status_code}") from error
        except httpx.HTTPError as error:
            raise ArchiveError(f"the archive did not answer ({type(error).__name__})") from error
        except ValidationError as error:
            raise ArchiveError("the archive's answer is not a lookup") from error
