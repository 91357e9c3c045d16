"""Run a saved query on a trace store; if nothing is found, suggest another name or time window."""

import heapq
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import partial
from itertools import islice
from typing import Any

from instrumentation.trace.store_search import find_experiments, read_pages
from scenarios.traces.store.saved_queries import NEWEST_FIRST, SavedQuery
from scenarios.traces.store.search_results import SearchRow, build_row
from scenarios.traces.store.sqlite_statistics import update_statistics
from scenarios.traces.store.time_window import epoch_ms

PAGE_SIZE = 500
"""Traces per page, without their spans."""
BATCH_SIZE = 50
"""Traces with their spans that are in memory at once."""

MAX_TRACES = 50
"""How many of the newest traces are read for names."""
MAX_NAMES = 5
SUGGESTED_NAMES = ("agent", "tool", "workflow")
"""The saved queries whose value is a name that is suggested."""


class SavedQuerySearch:
    """A saved query, bound to a store, a value and a time window.

    `str(search)` is the equivalent `mlflow.search_traces()` call.
    """

    def __init__(
        self,
        query: SavedQuery,
        value: str,
        since: datetime,
        tracking_uri: str,
        experiment: str = "",
    ) -> None:
        import mlflow  # takes three seconds, which `--help` need not wait for

        self._client = mlflow.MlflowClient(tracking_uri)
        update_statistics(tracking_uri)  # if this fails, the search is slow
        self._query, self._value = query, value
        self._since_filter = f"trace.timestamp_ms >= {epoch_ms(since)}"
        self.filter = " AND ".join(filter(None, (query.build_filter(value), self._since_filter)))
        self.locations = list(find_experiments(self._client, experiment))

    def __str__(self) -> str:
        return (
            f"mlflow.search_traces(locations={self.locations}, filter_string={self.filter!r},"
            f" order_by={[self._query.order]})"
        )

    def find_rows(self, limit: int) -> Iterator[SearchRow]:
        """The first `limit` traces in the query's order, each with its first error."""
        infos = self.find_infos(limit)
        for first in range(0, len(infos), BATCH_SIZE):
            batch = infos[first : first + BATCH_SIZE]
            ids_filter = filter_ids(info.trace_id for info in batch)
            traces = self._find_newest(ids_filter, len(batch))
            by_id = {trace.info.trace_id: trace for trace in traces}
            yield from (build_row(info, by_id.get(info.trace_id)) for info in batch)

    def find_infos(self, limit: int) -> list[Any]:
        """The first `limit` traces as MLflow's `TraceInfo`, without spans."""
        infos = iter_infos(
            self._client,
            locations=self.locations,
            filter_string=self.filter,
            order_by=[self._query.order],
            max_results=PAGE_SIZE if self._query.rank_by else min(limit, PAGE_SIZE),
        )
        if self._query.rank_by is None:
            return list(islice(infos, limit))
        # MLflow's search can neither compare nor sort costs and tokens.
        return heapq.nlargest(limit, infos, key=self._query.rank_by)

    def suggest_name_or_window(self) -> str:
        """A sentence that helps after a search without results; empty if nothing helps."""
        if not self._find_newest(self._since_filter, 1):
            return self._describe_newest_trace()
        kind = self._query.name
        if kind not in SUGGESTED_NAMES:
            return ""
        has_kind = "" if kind == "workflow" else f"span.type = '{kind.upper()}'"
        window = " AND ".join(filter(None, (has_kind, self._since_filter)))
        traces = self._find_newest(window, MAX_TRACES)
        names = sorted({name for trace in traces for name in read_names(trace, kind) if name})
        if near := get_close_matches(self._value, names, n=1):
            return f"did you mean {near[0]}?"
        more = " …" if len(names) > MAX_NAMES else ""
        return f"{kind}s found: {', '.join(names[:MAX_NAMES])}{more}" if names else ""

    def _describe_newest_trace(self) -> str:
        for trace in self._find_newest("", 1):
            start = datetime.fromtimestamp(trace.info.timestamp_ms / 1000, UTC)
            return (
                f"the window has no trace at all; the newest one started at"
                f" {start.isoformat(timespec='seconds')}: use an earlier --since"
            )
        return "the store, or the experiment, has no trace at all"

    def _find_newest(self, filter_string: str, limit: int) -> Any:
        """The newest traces that match a filter, with spans; without those that lack spans."""
        return self._client.search_traces(
            locations=self.locations,
            filter_string=filter_string,
            order_by=[NEWEST_FIRST],
            max_results=limit,
        )


def iter_infos(client: Any, **query: Any) -> Iterator[Any]:
    """Iterate over the `TraceInfo` of each trace that `search_traces` finds, page by page."""
    search = partial(client.search_traces, **query, include_spans=False)
    return (trace.info for trace in read_pages(search))


def filter_ids(ids: Iterable[str]) -> str:
    """The filter for traces with these ids. `get_trace` would wait seconds for missing spans."""
    quoted = ", ".join(f"'{id}'" for id in ids)
    return f"trace.request_id IN ({quoted})"


def read_names(trace: Any, kind: str) -> list[str]:
    """The names of a trace's agents, tools or workflow, by the name of their saved query."""
    if kind == "workflow":
        return [trace.info.tags.get("mlflow.traceName", "")]
    return [span.name for span in trace.data.spans if span.span_type == kind.upper()]
