"""Run a saved query on a trace store; if nothing is found, suggest another name or time window."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from instrumentation.alerts.trace_window import find_experiments
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

FindNewest = Callable[[str, int], Iterable[Any]]
"""Returns up to so many of the newest traces that match a filter, with their spans."""


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
            ids = ", ".join(f"'{info.trace_id}'" for info in batch)
            # Not get_trace, which waits seconds for missing spans.
            traces = self._find_newest(f"trace.request_id IN ({ids})", len(batch))
            by_id = {trace.info.trace_id: trace for trace in traces}
            yield from (build_row(info, by_id.get(info.trace_id)) for info in batch)

    def find_infos(self, limit: int) -> list[Any]:
        """The first `limit` traces as MLflow's `TraceInfo`, without spans."""
        if self._query.rank_by is None:
            return [trace.info for trace in self._fetch_page(limit, None)]
        # MLflow's search can neither compare nor sort costs and tokens.
        return heapq.nlargest(limit, self._iter_infos(), key=self._query.rank_by)

    def suggest_name_or_window(self) -> str:
        """A sentence that helps after a search without results; empty if nothing helps."""
        return suggest_name_or_window(
            self._query.name, self._value, self._find_newest, self._since_filter
        )

    def _find_newest(self, filter_string: str, limit: int) -> Any:
        """The newest traces that match a filter, with spans; without those that lack spans."""
        return self._client.search_traces(
            locations=self.locations,
            filter_string=filter_string,
            order_by=[NEWEST_FIRST],
            max_results=limit,
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


@dataclass(frozen=True)
class NameKind:
    """A kind of name to search for: which traces have such names, and how to read them."""

    noun: str
    filter: str
    read_names: Callable[[Any], Iterable[str]]


def _names_of_type(span_type: str) -> Callable[[Any], Iterable[str]]:
    return lambda trace: (span.name for span in trace.data.spans if span.span_type == span_type)


SUGGESTED_NAME_KINDS: Mapping[str, NameKind] = {
    "agent": NameKind("agents", "span.type = 'AGENT'", _names_of_type("AGENT")),
    "tool": NameKind("tools", "span.type = 'TOOL'", _names_of_type("TOOL")),
    "workflow": NameKind(
        "workflows", "", lambda trace: [trace.info.tags.get("mlflow.traceName", "")]
    ),
}
"""By the name of the saved query."""


def suggest_name_or_window(
    query: str, value: str, find_newest: FindNewest, since_filter: str
) -> str:
    """A sentence that helps to search again; empty if nothing helps.

    Args:
        query: The name of the saved query.
        value: The value that was searched for.
        find_newest: Finds traces in the searched experiments.
        since_filter: The filter of the searched time window.
    """
    if not any(True for _ in find_newest(since_filter, 1)):
        return _describe_newest_trace(find_newest)
    if (kind := SUGGESTED_NAME_KINDS.get(query)) is None:
        return ""
    traces = find_newest(" AND ".join(filter(None, (kind.filter, since_filter))), MAX_TRACES)
    names = sorted({name for trace in traces for name in kind.read_names(trace) if name})
    if near := get_close_matches(value, names, n=1):
        return f"did you mean {near[0]}?"
    more = " …" if len(names) > MAX_NAMES else ""
    return f"{kind.noun} found: {', '.join(names[:MAX_NAMES])}{more}" if names else ""


def _describe_newest_trace(find_newest: FindNewest) -> str:
    for trace in find_newest("", 1):
        start = datetime.fromtimestamp(trace.info.timestamp_ms / 1000, UTC)
        return (
            f"the window has no trace at all; the newest one started at"
            f" {start.isoformat(timespec='seconds')}: use an earlier --since"
        )
    return "the store, or the experiment, has no trace at all"
