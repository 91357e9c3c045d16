"""Read the finished traces of a time window from an MLflow store, page by page, oldest first."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from instrumentation.alerts.measurement import FinishedTrace
from instrumentation.trace.span_tree import UNREADABLE_TRACE_ERRORS
from instrumentation.trace.store_search import find_experiments
from instrumentation.trace.trace import trace_from_mlflow

PAGE_SIZE = 50
"""How many traces are in memory at once. A crew's trace may have 3 MB."""
STORE_DELAY_MS = 60_000
"""How long after its end a trace may still be on its way into the store."""
ABANDONED_AFTER_MS = 15 * 60_000
"""A trace without an end counts as finished, and failed, this long after its last span: its process
has died. The longest completion, with openai's time limit, takes ten minutes."""
FINAL_STATES = ("OK", "ERROR")


@dataclass
class TraceCounts:
    """How many traces were read; `incomplete` holds the ids of traces with missing spans."""

    finished: int = 0
    in_progress: int = 0
    ignored: int = 0
    incomplete: tuple[str, ...] = ()


@dataclass(frozen=True)
class TraceWindow:
    """The traces of a store that started since a time, of all experiments or of one.

    Attributes:
        since_ms: Milliseconds since the epoch.
        experiment: The name of the experiment; empty for all.
        ignored_tag: Traces with this tag are counted and left out.
    """

    tracking_uri: str
    since_ms: int
    experiment: str = ""
    ignored_tag: str = ""

    def read_finished(
        self, counts: TraceCounts, on_page: Callable[[TraceCounts], None]
    ) -> Iterator[FinishedTrace]:
        """Yield each trace that has ended, or has lost its process.

        Args:
            counts: Updated while traces are read.
            on_page: Called with `counts` after each page.

        Raises:
            TraceNotFoundError: The experiment does not exist.
        """
        import mlflow  # takes three seconds, so it is not imported by those who only read files

        client = mlflow.MlflowClient(self.tracking_uri)
        names = find_experiments(client, self.experiment)
        now_ms = time.time_ns() // 1_000_000
        for page in self._read_pages(client, list(names), now_ms) if names else ():
            for info, stored in page:
                if self.ignored_tag in info.tags:
                    counts.ignored += 1
                    continue
                finished = _to_finished_trace(stored, names) if stored else None
                if _is_in_progress(info, finished, now_ms):
                    counts.in_progress += 1
                elif finished is None:
                    counts.incomplete = (*counts.incomplete, info.trace_id)
                else:
                    counts.finished += 1
                    yield finished
            on_page(counts)

    def _read_pages(
        self, client: Any, experiment_ids: list[str], now_ms: int
    ) -> Iterator[list[tuple[Any, Any]]]:
        """Yield pages of the info of each trace, and the trace if all its spans are stored."""
        query: dict[str, Any] = {
            "locations": experiment_ids,
            "filter_string": f"trace.timestamp_ms >= {self.since_ms}"
            f" AND trace.timestamp_ms <= {now_ms}",
            "order_by": ["timestamp_ms ASC"],
            "max_results": PAGE_SIZE,
        }
        token, previous_ids = None, set[str]()
        while True:
            page = client.search_traces(**query, page_token=token, include_spans=False)
            # With spans, MLflow silently omits traces whose spans are not all there.
            with_spans = client.search_traces(**query, page_token=token)
            complete = {trace.info.trace_id: trace for trace in with_spans}
            infos = {trace.info.trace_id: trace.info for trace in page}
            yield [(info, complete.get(id)) for id, info in infos.items() if id not in previous_ids]
            # A trace that is stored meanwhile moves the others, some of them to the next page.
            previous_ids = {*infos}
            if not (token := page.token):
                return


def _is_in_progress(info: Any, finished: FinishedTrace | None, now_ms: int) -> bool:
    """Whether a trace may still be running, or its last spans may still arrive."""
    ended_ms = info.timestamp_ms + (info.execution_duration or 0)
    if finished is None and ended_ms > now_ms - STORE_DELAY_MS:
        return True
    if finished is not None:
        ended_ms = max(ended_ms, *(span.end_ns // 1_000_000 for span in finished.trace))
    return info.state.value not in FINAL_STATES and ended_ms > now_ms - ABANDONED_AFTER_MS


def _to_finished_trace(stored: Any, experiments: dict[str, str]) -> FinishedTrace | None:
    """Convert a trace; None if it has no spans or an unexpected shape."""
    try:
        trace = trace_from_mlflow([stored.to_dict()])
    except UNREADABLE_TRACE_ERRORS:
        return None
    experiment = experiments.get(trace.experiment_id, "")
    return FinishedTrace(trace, experiment, dict(stored.info.tags))
