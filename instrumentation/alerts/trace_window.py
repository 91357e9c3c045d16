"""A window: the traces of a store that began in a span of time, read page by page, oldest first."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from instrumentation.alerts.finished_trace import FinishedTrace
from instrumentation.trace.trace import TraceNotFoundError, trace_from_mlflow

PAGE_SIZE = 50
"""Traces that are in memory at once. One of a crew that MLflow records by itself may have 3 MB."""
STORE_DELAY_MS = 60_000
"""How long after its end a trace may still be on its way into the store, spans after the rest."""
FINAL_STATES = ("OK", "ERROR")
UNREADABLE_TRACE_ERRORS = (
    TraceNotFoundError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
)
"""What reading a trace raises that has no spans, or spans of another shape."""


@dataclass
class TraceCounts:
    """What was read of a window until now; `torn` are traces whose spans are not all there."""

    finished: int = 0
    in_progress: int = 0
    incomplete: tuple[str, ...] = ()


@dataclass(frozen=True)
class TraceWindow:
    """`since_ms` is in milliseconds since the epoch; without an `experiment`, all are looked at."""

    tracking_uri: str
    since_ms: int
    experiment: str = ""

    def read_finished(
        self, counts: TraceCounts, on_page: Callable[[TraceCounts], None]
    ) -> Iterator[FinishedTrace]:
        """Each trace that has ended; the tally is kept meanwhile, and told after each page.

        Raises `NoTrace` where no experiment has the name.
        """
        import mlflow  # three seconds, which nobody waits for who reads a file

        client = mlflow.MlflowClient(self.tracking_uri)
        names = find_experiments(client, self.experiment)
        now_ms = time.time_ns() // 1_000_000
        settled_ms = now_ms - STORE_DELAY_MS
        asked: dict[str, Any] = {
            "locations": list(names),
            "filter_string": f"trace.timestamp_ms >= {self.since_ms}"
            f" AND trace.timestamp_ms <= {now_ms}",
            "order_by": ["timestamp_ms ASC"],
            "max_results": PAGE_SIZE,
        }
        token, before = None, set[str]()
        while names:
            page = client.search_traces(**asked, page_token=token, include_spans=False)
            # MLflow leaves out, without a word, a trace whose spans are not all there.
            whole = {t.info.trace_id: t for t in client.search_traces(**asked, page_token=token)}
            for info in (trace.info for trace in page if trace.info.trace_id not in before):
                found = whole.get(info.trace_id)
                finished = found and _to_finished_trace(found, names)
                ended_ms = info.timestamp_ms + (info.execution_duration or 0)
                if info.state.value not in FINAL_STATES or (not finished and ended_ms > settled_ms):
                    counts.in_progress += 1
                elif not finished:
                    counts.incomplete = (*counts.incomplete, info.trace_id)
                else:
                    counts.finished += 1
                    yield finished
            on_page(counts)
            # One that is stored meanwhile moves the others along, some into the next page.
            before = {trace.info.trace_id for trace in page}
            if not (token := page.token):
                return


def find_experiments(client: Any, experiment_name: str = "") -> dict[str, str]:
    """The names of a store's experiments, or of the one that is `wanted`, by their ids.

    Raises `NoTrace` where none has the name.
    """
    found: dict[str, str] = {}
    token = None
    while True:
        page = client.search_experiments(page_token=token)
        found |= {experiment.experiment_id: experiment.name for experiment in page}
        if not (token := page.token):
            break
    chosen = {id: name for id, name in found.items() if experiment_name in ("", name)}
    if experiment_name and not chosen:
        near = get_close_matches(experiment_name, found.values(), n=1, cutoff=0.0)
        hint = f"; nearest: {near[0]}" if near else ""
        raise TraceNotFoundError(f"no experiment has the name {experiment_name!r}{hint}")
    return chosen


def _to_finished_trace(stored: Any, experiments: dict[str, str]) -> FinishedTrace | None:
    """The trace, if it has spans, of a shape that can be read."""
    try:
        trace = trace_from_mlflow([stored.to_dict()])
    except UNREADABLE_TRACE_ERRORS:
        return None
    return FinishedTrace(trace, experiments.get(trace.experiment_id, ""), dict(stored.info.tags))
