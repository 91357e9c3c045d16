"""A search: a saved query run over a store, and the rows that a person on call reads."""

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from instrumentation.alerts.trace_window import find_experiments
from scenarios.trace_store.saved_queries import NEWEST, SavedQuery
from scenarios.trace_store.search_hint import suggest
from scenarios.trace_store.search_row import SearchRow, build_row
from scenarios.trace_store.sqlite_statistics import update_statistics
from scenarios.trace_store.time_window import epoch_ms

PAGE_SIZE = 500
"""Traces a page, without their spans."""
BATCH_SIZE = 50
"""Traces with their spans that are in memory at once."""


class TraceSearch:
    """A query, in MLflow's own words for its store: what is shown is what is asked."""

    def __init__(
        self, query: SavedQuery, term: str, since: datetime, tracking_uri: str, experiment: str = ""
    ) -> None:
        import mlflow  # three seconds, which nobody waits for who asks for help

        self._client = mlflow.MlflowClient(tracking_uri)
        update_statistics(tracking_uri)  # what cannot be counted is searched slowly
        self._query, self._term = query, term
        self._since_filter = f"trace.timestamp_ms >= {epoch_ms(since)}"
        self.filter = " AND ".join(filter(None, (query.build_filter(term), self._since_filter)))
        self.locations = list(find_experiments(self._client, experiment))

    def __str__(self) -> str:
        """The call that asks the same, to be pasted into a program or a notebook."""
        return (
            f"mlflow.search_traces(locations={self.locations}, filter_string={self.filter!r},"
            f" order_by={[self._query.order]})"
        )

    def find_rows(self, limit: int) -> Iterator[SearchRow]:
        """The first `limit` traces by the query's order, each with what its spans say."""
        infos = self.find_infos(limit)
        for first in range(0, len(infos), BATCH_SIZE):
            some = infos[first : first + BATCH_SIZE]
            ids = ", ".join(f"'{info.trace_id}'" for info in some)
            # not get_trace, which waits for seconds for spans that are not there
            found = self._find_newest(f"trace.request_id IN ({ids})", len(some))
            whole = {trace.info.trace_id: trace for trace in found}
            yield from (build_row(info, whole.get(info.trace_id)) for info in some)

    def suggest(self) -> str:
        """What may have been meant, where nothing was found; empty where nobody can tell."""
        return suggest(self._query.name, self._term, self._find_newest, self._since_filter)

    def find_infos(self, limit: int) -> list[Any]:
        """The same as MLflow tells of them without their spans, an `info` each."""
        if self._query.rank_by is None:
            return [trace.info for trace in self._fetch_page(limit, None)]
        # MLflow's search neither compares nor orders costs and tokens.
        return heapq.nlargest(limit, self._iter_infos(), key=self._query.rank_by)

    def _find_newest(self, asked: str, size: int) -> Any:
        """The newest traces that pass a filter, with their spans; without those that are torn."""
        return self._client.search_traces(
            locations=self.locations, filter_string=asked, order_by=[NEWEST], max_results=size
        )

    def _iter_infos(self) -> Iterator[Any]:
        token = None
        while True:
            page = self._fetch_page(PAGE_SIZE, token)
            yield from (trace.info for trace in page)
            if not (token := page.token):
                return

    def _fetch_page(self, size: int, token: str | None) -> Any:
        return self._client.search_traces(
            locations=self.locations,
            filter_string=self.filter,
            order_by=[self._query.order],
            max_results=size,
            page_token=token,
            include_spans=False,
        )
