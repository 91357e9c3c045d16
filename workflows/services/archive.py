"""An HTTP service that finds clips by their fingerprints; it runs in a process of its own.

    POST /lookups {"fingerprint": "16 hexadecimal digits"}
        202 {"id", "state": "running", "looked_through": 0, "of": 40, "matches": []}
        400 {"error"}: the request lacks a fingerprint
        503 {"error"} and Retry-After: the file of fingerprints cannot be read
    GET /lookups/ID
        200 the progress of a lookup; its "state" is "done" once all clips are compared
        404 {"error"}: there is no lookup of this ID

Its spans continue the trace of a caller that sends a W3C `traceparent`. A lookup goes on after the
request is answered, so its span ends later than its parent.
"""

import asyncio
import json
import re
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

import mlflow
from mlflow.entities import LiveSpan
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from workflows.services.process import (
    FLUSH_ROUTE,
    error_response,
    json_response,
    request_span,
    run_service,
)
from workflows.services.records import RecordsError, read_jsonl_records
from workflows.support.media.fingerprint import hamming_distance

FINGERPRINTS = Path(__file__).with_name("fingerprints.jsonl")
FINGERPRINT = re.compile(r"[0-9a-f]{16}")
MAX_DISTANCE = 10
"""Fingerprints of one clip differ in at most so many of 64 bits; those of two clips in about 32."""
COMPARISON_S = 0.01
"""How long the comparison with one clip takes. Other requests are answered meanwhile."""
MAX_LOOKUPS = 1000
"""How many lookups are remembered; the oldest are forgotten first."""
RETRY_AFTER_S = 1


@dataclass(frozen=True)
class KnownClip:
    """A clip of the archive."""

    clip: str
    fingerprint: str


@dataclass
class Lookup:
    """The progress of a lookup: `looked_through` clips, `of` so many."""

    of: int
    id: str = field(default_factory=lambda: uuid4().hex)
    state: str = "running"
    looked_through: int = 0
    matches: list[str] = field(default_factory=list)


class ArchiveService:
    """The request handlers, and the lookups that they have started."""

    def __init__(self, fingerprints: Path) -> None:
        self._path = fingerprints
        self._lookups: OrderedDict[str, Lookup] = OrderedDict()
        self._running: set[asyncio.Task[None]] = set()

    async def start(self, request: Request) -> JSONResponse:
        """Answer `POST /lookups`."""
        with request_span(request, "POST /lookups") as span:
            fingerprint = _parse_fingerprint(await request.body())
            span.set_inputs({"fingerprint": fingerprint})
            if fingerprint is None:
                return error_response(span, 400, "a lookup needs a fingerprint: 16 digits, 0 to f")
            try:
                clips = read_jsonl_records(self._path, KnownClip)
            except RecordsError as error:
                return error_response(span, 503, f"no archive is loaded: {error}", RETRY_AFTER_S)
            lookup = Lookup(len(clips))
            self._remember(lookup)
            task = asyncio.create_task(self._compare(lookup, fingerprint, clips, span))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            return json_response(span, asdict(lookup), 202)

    async def report(self, request: Request) -> JSONResponse:
        """Answer `GET /lookups/{id}`."""
        with request_span(request, "GET /lookups/{id}") as span:
            lookup_id = request.path_params["id"]
            span.set_inputs({"id": lookup_id})
            if (lookup := self._lookups.get(lookup_id)) is None:
                return error_response(span, 404, f"there is no lookup {lookup_id!r}: start one")
            return json_response(span, asdict(lookup))

    async def _compare(
        self, lookup: Lookup, fingerprint: str, clips: tuple[KnownClip, ...], request: LiveSpan
    ) -> None:
        span = mlflow.start_span_no_context("look through", parent_span=request)
        try:
            for known in clips:
                await asyncio.sleep(COMPARISON_S)
                if hamming_distance(fingerprint, known.fingerprint) <= MAX_DISTANCE:
                    lookup.matches.append(known.clip)
                lookup.looked_through += 1
            lookup.state = "done"
        finally:
            span.end(outputs=asdict(lookup))

    def _remember(self, lookup: Lookup) -> None:
        self._lookups[lookup.id] = lookup
        if len(self._lookups) > MAX_LOOKUPS:
            self._lookups.popitem(last=False)


def create_app(fingerprints: Path = FINGERPRINTS) -> Starlette:
    """Create the service for a file of fingerprints."""
    archive = ArchiveService(fingerprints)
    return Starlette(
        routes=[
            Route("/lookups", archive.start, methods=["POST"]),
            Route("/lookups/{id}", archive.report),
            FLUSH_ROUTE,
        ]
    )


def _parse_fingerprint(body: bytes) -> str | None:
    """Return the fingerprint in the body of a request; None if there is no valid one."""
    try:
        fingerprint = json.loads(body).get("fingerprint")
    except (ValueError, AttributeError, RecursionError):
        return None
    is_valid = isinstance(fingerprint, str) and FINGERPRINT.fullmatch(fingerprint)
    return fingerprint if is_valid else None


if __name__ == "__main__":
    run_service("archive", __doc__, create_app, FINGERPRINTS, port=8766)
