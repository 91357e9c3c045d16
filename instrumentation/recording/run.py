"""Tag the traces of a run, and find them again.

Example:
    with record_run({"team": "billing"}) as run:
        answer_the_ticket()
    for trace in run.traces():
        print(trace.info.trace_id)
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import mlflow

from instrumentation.trace.session import RUN_TAG
from instrumentation.tracing_setup.warnings import warn_about_missing_traces
from patches.mlflow.store.experiment import (
    active_experiment,
    has_active_experiment,
    resolve_experiment_id,
)


@dataclass(frozen=True)
class RunHandle:
    """Finds the traces that were tagged by `record_run`; `tag` is the tag that has the id."""

    id: str
    tag: str = RUN_TAG
    _experiments: dict[tuple[str, str], None] = field(default_factory=dict, repr=False)
    """Each tracking URI and experiment to which the run's traces may have gone."""
    _inner_ids: dict[str, None] = field(default_factory=dict, repr=False)
    """The ids of the runs inside this one: a trace has the tag of the innermost run."""

    def traces(self) -> list[Any]:
        """All `mlflow.entities.Trace` of the run, oldest first; waits until they are stored.

        These include the traces of runs inside this one.
        They are read from the stores that were active during the run, so this also works after
        tracing was shut down. If there is none, a warning says why.
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
        mlflow.flush_trace_async_logging()
        experiments = list(self._experiments) or [active_experiment()]
        return [
            trace
            for uri, name in experiments
            for run_id in (self.id, *self._inner_ids)
            for trace in self._search(uri, name, run_id, include_spans)
        ]

    def _search(
        self, tracking_uri: str, experiment: str, run_id: str, include_spans: bool
    ) -> Iterator[Any]:
        search = partial(
            mlflow.MlflowClient(tracking_uri).search_traces,
            locations=[resolve_experiment_id(experiment, tracking_uri)],
            filter_string=f"tags.`{self.tag}` = '{run_id}'",
            order_by=["timestamp_ms ASC"],
            include_spans=include_spans,
        )
        page = search()
        yield from page
        while page.token:
            page = search(page_token=page.token)
            yield from page

    def _add_active_experiment(self) -> None:
        if has_active_experiment():
            self._experiments[active_experiment()] = None


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
    """
    run = RunHandle(run_id or uuid4().hex)
    run._add_active_experiment()
    for outer in _OPEN_RUNS.get():
        if outer.id != run.id:
            outer._inner_ids[run.id] = None
    token = _OPEN_RUNS.set((*_OPEN_RUNS.get(), run))
    try:
        with mlflow.tracing.context(tags={**(tags or {}), RUN_TAG: run.id}):
            yield run
    finally:
        run._add_active_experiment()
        _OPEN_RUNS.reset(token)
        for outer in _OPEN_RUNS.get():
            outer._experiments.update(run._experiments)


def add_active_experiment_to_open_runs() -> None:
    """Let the open runs, which began before tracing was turned on, find traces where it stores."""
    for run in _OPEN_RUNS.get():
        run._add_active_experiment()
