"""A search: a saved query run over a store, and the rows that a person on call reads."""

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from instrumentation.alerts.trace_window import experiments
from scenarios.trace_store.saved_queries import NEWEST, Query
from scenarios.trace_store.search_hint import hint
from scenarios.trace_store.search_row import Row, row
from scenarios.trace_store.sqlite_statistics import counted
from scenarios.trace_store.time_window import in_ms

PAGE = 500
"""Traces a page, without their spans."""
WHOLE = 50
"""Traces with their spans that are in memory at once."""


class Search:
    """A query, in MLflow's own words for its store: what is shown is what is asked."""

    def __init__(
        self, query: Query, said: str, since: datetime, tracking_uri: str, experiment: str = ""
    ) -> None:
        import mlflow  # three seconds, which nobody waits for who asks for help

        self._client = mlflow.MlflowClient(tracking_uri)
        counted(tracking_uri)  # what cannot be counted is searched slowly
        self._query, self._said = query, said
        self._began = f"trace.timestamp_ms >= {in_ms(since)}"
        self.filter = " AND ".join(filter(None, (query.asks(said), self._began)))
        self.locations = list(experiments(self._client, experiment))

    def __str__(self) -> str:
        """The call that asks the same, to be pasted into a program or a notebook."""
        return (
            f"mlflow.search_traces(locations={self.locations}, filter_string={self.filter!r},"
            f" order_by={[self._query.order]})"
        )

    def rows(self, limit: int) -> Iterator[Row]:
        """The first `limit` traces by the query's order, each with what its spans say."""
        infos = self.infos(limit)
        for first in range(0, len(infos), WHOLE):
            some = infos[first : first + WHOLE]
            ids = ", ".join(f"'{info.trace_id}'" for info in some)
            # not get_trace, which waits for seconds for spans that are not there
            found = self._newest(f"trace.request_id IN ({ids})", len(some))
            whole = {trace.info.trace_id: trace for trace in found}
            yield from (row(info, whole.get(info.trace_id)) for info in some)

    def hint(self) -> str:
        """What may have been meant, where nothing was found; empty where nobody can tell."""
        return hint(self._query.name, self._said, self._newest, self._began)

    def infos(self, limit: int) -> list[Any]:
        """The same as MLflow tells of them without their spans, an `info` each."""
        if self._query.weighs is None:
            return [trace.info for trace in self._page(limit, None)]
        # MLflow's search neither compares nor orders costs and tokens.
        return heapq.nlargest(limit, self._all(), key=self._query.weighs)

    def _newest(self, asked: str, size: int) -> Any:
        """The newest traces that pass a filter, with their spans; without those that are torn."""
        return self._client.search_traces(
            locations=self.locations, filter_string=asked, order_by=[NEWEST], max_results=size
        )

    def _all(self) -> Iterator[Any]:
        token = None
        while True:
            page = self._page(PAGE, token)
            yield from (trace.info for trace in page)
            if not (token := page.token):
                return

    def _page(self, size: int, token: str | None) -> Any:
        return self._client.search_traces(
            locations=self.locations,
            filter_string=self.filter,
            order_by=[self._query.order],
            max_results=size,
            page_token=token,
            include_spans=False,
        )
