"""The index: an HTTP service, a process of its own, that finds facts about countries.

    GET /search?q=how high is Everest&country=NPL
        200 {"results": [{"title", "text", "source", "score"}, …]}, the best first; country may lack
        400 {"error"}, which says what the request lacks
        503 {"error"} and Retry-After, while its documents cannot be read, and why they cannot
    GET /health
        200 {"documents": 42}, or 503 {"error"}

It goes on in the trace of whoever asks with a W3C `traceparent`: the caller's tool call and the
search stand in one trace, though two processes wrote it.
"""

import re
from pathlib import Path

import mlflow
from mlflow.entities import SpanType
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from instrumentation.remote_trace import continue_remote_trace
from workflows.services.process import FLUSH, arguments, run
from workflows.services.ranking import Document, Ranking
from workflows.services.records import Unreadable, read
from workflows.services.reply import refusal, reply

DOCUMENTS = Path(__file__).with_name("documents.jsonl")
COUNTRY = re.compile(r"[A-Z]{3}")
MOST = 5
"""How many results an answer has at most."""
RETRY_AFTER_S = 1
"""When to ask again while there is no index: the file is read anew for each request."""


class Index:
    """The documents of a file, ranked for a query; read when they are first asked for."""

    def __init__(self, documents: Path) -> None:
        self._path = documents
        self._ranking: Ranking | None = None

    def ranking(self) -> Ranking:
        """Raises `Unreadable` as long as the documents are."""
        if self._ranking is None:
            self._ranking = Ranking.of(read(self._path, Document))
        return self._ranking

    async def search(self, request: Request) -> JSONResponse:
        asked = dict(request.query_params)
        with (
            continue_remote_trace(request.headers),
            mlflow.start_span("GET /search", span_type=SpanType.RETRIEVER) as span,
        ):
            span.set_inputs(asked)
            query, country = asked.get("q", "").strip(), asked.get("country")
            if not query:
                return refusal(span, 400, "there is nothing to search for: q is missing or empty")
            if country is not None and not COUNTRY.fullmatch(country):
                why = f"country {country!r} is no code of three capital letters, as FRA"
                return refusal(span, 400, why)
            try:
                found = self.ranking().best(query, country, MOST)
            except Unreadable as error:
                return refusal(span, 503, f"no index is loaded: {error}", RETRY_AFTER_S)
            results = [
                {
                    "title": document.title,
                    "text": document.text,
                    "source": document.source,
                    "score": round(score, 3),
                }
                for document, score in found
            ]
            return reply(span, {"results": results})

    async def health(self, request: Request) -> JSONResponse:
        try:
            return JSONResponse({"documents": len(self.ranking().documents)})
        except Unreadable as error:
            return JSONResponse({"error": f"no index is loaded: {error}"}, 503)


def app(documents: Path = DOCUMENTS) -> Starlette:
    """The service over the documents of a file."""
    index = Index(documents)
    return Starlette(routes=[Route("/search", index.search), Route("/health", index.health), FLUSH])


if __name__ == "__main__":
    parser = arguments("index", __doc__, port=8765)
    parser.add_argument(
        "--documents",
        type=Path,
        default=DOCUMENTS,
        metavar="FILE",
        help="JSON objects, one a line: country, title, text, source (default: %(default)s)",
    )
    given = parser.parse_args()
    run(app(given.documents), given.port)
