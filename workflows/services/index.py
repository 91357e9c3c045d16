"""The index: an HTTP service, in its own process, that finds facts about countries.

    GET /search?q=how high is Everest&country=NPL
        200 {"results": [{"title", "text", "source", "score"}, …]}, the best first;
            without `country`, of all countries
        400 {"error"}: what is wrong with the request
        503 {"error"} and Retry-After: why its documents cannot be read
    GET /health
        200 {"documents": 42}, or 503 {"error"}

It continues the trace of a request that has a W3C `traceparent`: the caller's tool call and the
search are in one trace, though two processes wrote it.
"""

import re
from pathlib import Path

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
from workflows.services.ranking import Document, Ranking
from workflows.services.records import RecordsError, read_jsonl_records

DOCUMENTS = Path(__file__).with_name("documents.jsonl")
COUNTRY_CODE = re.compile(r"[A-Z]{3}")
MAX_RESULTS = 5
RETRY_AFTER_S = 1
"""Sent while there is no index: the file is read again for each request."""


class IndexService:
    """The documents of a file, read for the first request and ranked for each query."""

    def __init__(self, documents: Path) -> None:
        self._path = documents
        self._ranking: Ranking | None = None

    def ranking(self) -> Ranking:
        """Raises `RecordsError` as long as the documents cannot be read."""
        if self._ranking is None:
            self._ranking = Ranking.from_documents(read_jsonl_records(self._path, Document))
        return self._ranking

    async def search(self, request: Request) -> JSONResponse:
        params = dict(request.query_params)
        with request_span(request, "GET /search") as span:
            span.set_inputs(params)
            query, country = params.get("q", "").strip(), params.get("country")
            if not query:
                return error_response(span, 400, "nothing to search for: q is missing or empty")
            if country is not None and not COUNTRY_CODE.fullmatch(country):
                message = f"country {country!r} is not a code of three capital letters, as FRA"
                return error_response(span, 400, message)
            try:
                found = self.ranking().best(query, country, MAX_RESULTS)
            except RecordsError as error:
                return error_response(span, 503, f"no index is loaded: {error}", RETRY_AFTER_S)
            results = [
                {
                    "title": document.title,
                    "text": document.text,
                    "source": document.source,
                    "score": round(score, 3),
                }
                for document, score in found
            ]
            return json_response(span, {"results": results})

    async def health(self, request: Request) -> JSONResponse:
        try:
            return JSONResponse({"documents": len(self.ranking().documents)})
        except RecordsError as error:
            return JSONResponse({"error": f"no index is loaded: {error}"}, 503)


def create_app(documents: Path = DOCUMENTS) -> Starlette:
    """The service over the documents of a file."""
    index = IndexService(documents)
    return Starlette(
        routes=[
            Route("/search", index.search),
            Route("/health", index.health),
            FLUSH_ROUTE,
        ]
    )


if __name__ == "__main__":
    run_service("index", __doc__, create_app, DOCUMENTS, port=8765)
