"""Tag the traces of a run, and find them again."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import mlflow

from instrumentation.trace.session import RUN_TAG
from instrumentation.trace.store_search import search_store
from instrumentation.tracing_setup.warnings import warn_about_missing_traces
from patches.mlflow.store.experiment import has_active_experiment
from patches.support.span_registry import wait_for_late_children

MAX_WAIT_S = 10.0
"""How long the search for traces waits for work in the background, such as a save to memory."""


@dataclass(frozen=True)
class RunHandle:
    """Finds the traces that were tagged by `record_run`; `tag` is the tag that has the id."""

    id: str
    tag: str = RUN_TAG
    _stores: dict[str, None] = field(default_factory=dict, repr=False)
    """The tracking URI of each store to which the run's traces may have gone."""
    _inner_ids: dict[str, None] = field(default_factory=dict, repr=False)
    """The ids of the runs inside this one: a trace has the tag of the innermost run."""

    def traces(self) -> list[Any]:
        """All `mlflow.entities.Trace` of the run, oldest first; waits until they are stored.

        These include the traces of runs inside this one.
        They are read from all experiments of the stores that were active as the run began or ended,
        so this also works after tracing was shut down. If there is none, a warning says why.
        """
        traces = self._find(include_spans=True)
        if not traces:
            warn_about_missing_traces()
        return sorted(traces, key=lambda trace: trace.info.timestamp_ms)

    def trace_infos(self) -> list[Any]:
        """All `mlflow.entities.TraceInfo` of the run, oldest first: `traces()` without spans."""
        infos = [trace.info for trace in self._find(include_spans=False)]
        return sorted(infos, key=lambda info: info.timestamp_ms)

    def _find(self, *, include_spans: bool) -> list[Any]:
        wait_for_late_children(MAX_WAIT_S)
        mlflow.flush_trace_async_logging()
        filters = [f"tags.`{self.tag}` = '{id}'" for id in (self.id, *self._inner_ids)]
        return [
            trace
            for tracking_uri in list(self._stores) or [mlflow.get_tracking_uri()]
            for trace in search_store(
                mlflow.MlflowClient(tracking_uri), filters, include_spans=include_spans
            )
        ]

    def _add_active_store(self) -> None:
        if has_active_experiment():
            self._stores[mlflow.get_tracking_uri()] = None


_OPEN_RUNS: ContextVar[tuple[RunHandle, ...]] = ContextVar("open runs", default=())


@contextmanager
def record_run(
    tags: Mapping[str, str] | None = None, *, run_id: str | None = None
) -> Generator[RunHandle]:
    """Tag each trace of the block with an id of the run and with `tags`. Runs may overlap.

    With `run_id`, the block is a part of a run that began in another process: `RunHandle.id`.

    Example:
        with record_run({"customer": "42"}) as run:
            await team.run(task="…")
        assert len(run.traces()) == 1

    Raises:
        ValueError: The `run_id` contains a quote, so no search could find it.
    """
    if run_id and "'" in run_id:
        raise ValueError(f"run_id must not contain a quote: {run_id!r}; use the id of a RunHandle")
    run = RunHandle(run_id or uuid4().hex)
    run._add_active_store()
    for outer in _OPEN_RUNS.get():
        if outer.id != run.id:
            outer._inner_ids[run.id] = None
    token = _OPEN_RUNS.set((*_OPEN_RUNS.get(), run))
    try:
        with mlflow.tracing.context(tags={**(tags or {}), RUN_TAG: run.id}):
            yield run
    finally:
        run._add_active_store()
        _OPEN_RUNS.reset(token)
        for outer in _OPEN_RUNS.get():
            outer._stores.update(run._stores)


def add_active_store_to_open_runs() -> None:
    """Let the open runs, which began before tracing was turned on, find traces where it stores."""
    for run in _OPEN_RUNS.get():
        run._add_active_store()
