"""Tracing: MLflow turned on for the process, and each run's traces found again by a tag."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import mlflow
from mlflow.environment_variables import MLFLOW_EXPERIMENT_ID, MLFLOW_TRACKING_URI
from mlflow.utils.autologging_utils import autologging_is_disabled

from instrumentation.handoffs import record_handoffs
from patches.experiment import experiment as active
from patches.patch import Outcome, applied
from patches.repairs import repairs

RUN_TAG = "flight_recorder.run"

SETTINGS = {
    # One worker: with more of them SQLite stores wrong costs.
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS": "1",
    # Two queues, the second as long as its batch: by default a burst of 2,000 spans loses some. And
    # a transaction for all that has come in a second, not for each five spans, takes less CPU.
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE": "100000",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE": "100000",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS": "1000",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # AutoGen's own runtime spans show its messaging, about forty a run.
    "AUTOGEN_DISABLE_RUNTIME_TRACING": "true",
}


@dataclass(frozen=True)
class Run:
    """One run: whatever is traced inside `recorded` bears its tag."""

    id: str

    def traces(self) -> list[Any]:
        """Every MLflow `Trace` of the run, oldest first; waits until all are stored."""
        mlflow.flush_trace_async_logging()
        return list(
            mlflow.search_traces(
                filter_string=f"tags.`{RUN_TAG}` = '{self.id}'",
                order_by=["timestamp_ms ASC"],
                return_type="list",
            )
        )


@contextmanager
def traced(
    tracking_uri: str, experiment: str = "flight-recorder"
) -> Generator[tuple[Outcome, ...]]:
    """Record AutoGen in an MLflow store, process-wide; all is undone, and stored, on exit.

    Yields what became of each patch. Workflows inside it may run at once. Enter it once, around
    them all: of two blocks that overlap, the first to end turns recording off for the other.
    """
    with _settings(), active(tracking_uri, experiment):
        was_off = autologging_is_disabled(mlflow.autogen.FLAVOR_NAME)
        if was_off:
            mlflow.autogen.autolog(silent=True)
        try:
            with applied(*repairs(record_handoffs)) as outcomes:
                yield outcomes
        finally:
            if was_off:
                mlflow.autogen.autolog(disable=True, silent=True)
            mlflow.flush_trace_async_logging()


@contextmanager
def recorded(tags: Mapping[str, str] | None = None) -> Generator[Run]:
    """Mark each trace of the block with the run's own tag and with `tags`; runs may overlap."""
    run = Run(uuid4().hex)
    with mlflow.tracing.context(tags={**(tags or {}), RUN_TAG: run.id}):
        yield run


@contextmanager
def _settings() -> Generator[None]:
    """Set what the environment does not say otherwise, and put it back as it was."""
    before = dict(os.environ)
    os.environ.update({name: value for name, value in SETTINGS.items() if name not in before})
    try:
        yield
    finally:
        for name in {*SETTINGS, MLFLOW_EXPERIMENT_ID.name, MLFLOW_TRACKING_URI.name}:
            os.environ.pop(name, None)
            os.environ.update({name: before[name]} if name in before else {})
