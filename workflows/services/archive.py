"""The archive: an HTTP service, a process of its own, that knows clips by their fingerprints.

    POST /lookups {"fingerprint": "16 hex digits"}
        202 {"id", "state": "running", "looked_through": 0, "of": 40, "matches": []}
        400 {"error"}, which says what the request lacks
        503 {"error"} and Retry-After, while its fingerprints cannot be read, and why they cannot
    GET /lookups/ID
        200 the same, as far as it has come; "state" is "done" once it has looked through all
        404 {"error"}, for an id that it has not given

It goes on in the trace of whoever asks with a W3C `traceparent`. A lookup takes a while and goes on
when its request has been answered: its span ends later than the one it stands beneath.
"""

import asyncio
import json
import re
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

import mlflow
from mlflow.entities import LiveSpan, SpanType
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from instrumentation.remote_trace import continue_remote_trace
from workflows.fingerprint import distance
from workflows.services.process import FLUSH_ROUTE, serve, service_parser
from workflows.services.records import RecordsError, read_records
from workflows.services.responses import error_response, json_response

FINGERPRINTS = Path(__file__).with_name("fingerprints.jsonl")
FINGERPRINT = re.compile(r"[0-9a-f]{16}")
ALIKE = 10
"""In how many of 64 bits the fingerprints of one clip differ at most; of two, in about 32."""
CLIP_S = 0.01
"""How long a clip takes: a lookup holds up no other request."""
REMEMBERED = 1000
"""How many lookups are kept, so that they can be asked after; the oldest are forgotten."""
RETRY_AFTER_S = 1


@dataclass(frozen=True)
class Known:
    """A clip of the archive."""

    clip: str
    fingerprint: str


@dataclass
class Lookup:
    """How far a lookup has come: through so many clips, `of` so many."""

    of: int
    id: str = field(default_factory=lambda: uuid4().hex)
    state: str = "running"
    looked_through: int = 0
    matches: list[str] = field(default_factory=list)


class Archive:
    """The clips of a file, looked through one by one."""

    def __init__(self, fingerprints: Path) -> None:
        self._path = fingerprints
        self._lookups: OrderedDict[str, Lookup] = OrderedDict()
        self._under_way: set[asyncio.Task[None]] = set()

    async def begin(self, request: Request) -> JSONResponse:
        with (
            continue_remote_trace(request.headers),
            mlflow.start_span("POST /lookups", span_type=SpanType.RETRIEVER) as span,
        ):
            asked = _fingerprint(await request.body())
            span.set_inputs({"fingerprint": asked})
            if asked is None:
                return error_response(span, 400, "a lookup needs a fingerprint: 16 digits, 0 to f")
            try:
                clips = read_records(self._path, Known)
            except RecordsError as error:
                return error_response(span, 503, f"no archive is loaded: {error}", RETRY_AFTER_S)
            lookup = Lookup(len(clips))
            self._keep(lookup)
            task = asyncio.create_task(self._look_through(lookup, asked, clips, span))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            return json_response(span, asdict(lookup), 202)

    async def progress(self, request: Request) -> JSONResponse:
        with (
            continue_remote_trace(request.headers),
            mlflow.start_span("GET /lookups/{id}", span_type=SpanType.RETRIEVER) as span,
        ):
            wanted = request.path_params["id"]
            span.set_inputs({"id": wanted})
            if (lookup := self._lookups.get(wanted)) is None:
                return error_response(span, 404, f"no lookup {wanted!r} is known: begin one")
            return json_response(span, asdict(lookup))

    async def _look_through(
        self, lookup: Lookup, asked: str, clips: tuple[Known, ...], request: LiveSpan
    ) -> None:
        span = mlflow.start_span_no_context("look through", parent_span=request)
        try:
            for known in clips:
                await asyncio.sleep(CLIP_S)
                if distance(asked, known.fingerprint) <= ALIKE:
                    lookup.matches.append(known.clip)
                lookup.looked_through += 1
            lookup.state = "done"
        finally:
            span.end(outputs=asdict(lookup))

    def _keep(self, lookup: Lookup) -> None:
        self._lookups[lookup.id] = lookup
        if len(self._lookups) > REMEMBERED:
            self._lookups.popitem(last=False)


def app(fingerprints: Path = FINGERPRINTS) -> Starlette:
    """The service over the fingerprints of a file."""
    archive = Archive(fingerprints)
    return Starlette(
        routes=[
            Route("/lookups", archive.begin, methods=["POST"]),
            Route("/lookups/{id}", archive.progress),
            FLUSH_ROUTE,
        ]
    )


def _fingerprint(body: bytes) -> str | None:
    """The fingerprint that a request's body names, if it does."""
    try:
        asked = json.loads(body).get("fingerprint")
    except (ValueError, AttributeError, RecursionError):
        return None
    return asked if isinstance(asked, str) and FINGERPRINT.fullmatch(asked) else None


if __name__ == "__main__":
    parser = service_parser("archive", __doc__, port=8766)
    parser.add_argument(
        "--fingerprints",
        type=Path,
        default=FINGERPRINTS,
        metavar="FILE",
        help="JSON objects, one a line: clip, fingerprint (default: %(default)s)",
    )
    given = parser.parse_args()
    serve(app(given.fingerprints), given.port)
