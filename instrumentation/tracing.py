"""Tracing: MLflow turned on for the process, and each run's traces found again by a tag."""

import os
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
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
PACKAGES = {"autogen": "autogen_agentchat", "crewai": "crewai"}
"""What is imported where a framework is in use: MLflow's name for it, and its package."""

SETTINGS = {
    # One worker: with more of them SQLite stores wrong costs.
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS": "1",
    # Two queues, the second as long as its batch: by default a burst of 2,000 spans loses some. And
    # a transaction for all that has come in a second, not for each five spans, takes less CPU.
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE": "100000",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE": "100000",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS": "1000",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A span keeps its last 128 events by default; a stream has one for each word.
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "100000",
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
    tracking_uri: str,
    experiment: str = "flight-recorder",
    frameworks: Sequence[str] | None = None,
) -> Generator[tuple[Outcome, ...]]:
    """Record AutoGen and CrewAI in an MLflow store, process-wide; undone, and stored, on exit.

    `frameworks` are "autogen", "crewai" or both; without it, those that are imported already, so
    that nobody waits for the import of a framework that he does not use. Yields what became of each
    patch. Workflows inside it may run at once. Enter it once, around them all: of two blocks that
    overlap, the first to end turns recording off for the other.
    """
    chosen = in_use() if frameworks is None else frameworks
    with _settings(), active(tracking_uri, experiment), ExitStack() as stack:
        stack.callback(mlflow.flush_trace_async_logging)
        for framework in chosen:
            stack.enter_context(_autologged(framework))
        yield stack.enter_context(applied(*repairs(record_handoffs, chosen)))


def in_use() -> tuple[str, ...]:
    """The frameworks that this process has imported."""
    return tuple(name for name, package in PACKAGES.items() if package in sys.modules)


@contextmanager
def recorded(tags: Mapping[str, str] | None = None) -> Generator[Run]:
    """Mark each trace of the block with the run's own tag and with `tags`; runs may overlap."""
    run = Run(uuid4().hex)
    with mlflow.tracing.context(tags={**(tags or {}), RUN_TAG: run.id}):
        yield run


@contextmanager
def _autologged(framework: str) -> Generator[None]:
    """MLflow's own recording of a framework: on, unless someone has turned it on already."""
    integration = import_module(f"mlflow.{framework}")
    was_off = autologging_is_disabled(integration.FLAVOR_NAME)
    if was_off:
        integration.autolog(silent=True)
    try:
        yield
    finally:
        if was_off:
            integration.autolog(disable=True, silent=True)


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
