"""Tracing: MLflow turned on for the process, and each run's traces found again by a tag."""

import os
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch as overlay
from uuid import uuid4

import mlflow

from instrumentation.handoffs import record_handoffs
from patches import (
    autogen_chat_format,
    autogen_completions,
    autogen_content_type,
    autogen_teams,
    autogen_tools,
    autolog_blindness,
    cancelled_spans,
)
from patches.autogen_turns import turns
from patches.patch import Outcome, Patch, applied

RUN_TAG = "flight_recorder.run"

SETTINGS = {
    # One worker and a long queue: with the defaults SQLite stores wrong costs and drops spans.
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS": "1",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE": "100000",
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

    Yields what became of each patch. Workflows inside it may run at once.
    """
    before = mlflow.get_tracking_uri()
    with ExitStack() as stack:
        stack.enter_context(overlay.dict(os.environ, SETTINGS))
        mlflow.set_tracking_uri(tracking_uri)
        stack.callback(mlflow.set_tracking_uri, before)
        mlflow.set_experiment(experiment)
        stack.callback(mlflow.flush_trace_async_logging)
        mlflow.autogen.autolog(silent=True)
        stack.callback(mlflow.autogen.autolog, disable=True, silent=True)
        yield stack.enter_context(applied(*patches()))


@contextmanager
def recorded(tags: Mapping[str, str] | None = None) -> Generator[Run]:
    """Mark each trace of the block with the run's own tag and with `tags`; runs may overlap."""
    run = Run(uuid4().hex)
    with mlflow.tracing.context(tags={**(tags or {}), RUN_TAG: run.id}):
        yield run


def patches() -> tuple[Patch, ...]:
    """The repairs that the recording of AutoGen needs, in the order they go on."""
    return (
        autolog_blindness.PATCH,
        cancelled_spans.PATCH,
        autogen_content_type.PATCH,
        autogen_chat_format.PATCH,
        autogen_teams.PATCH,
        turns(record_handoffs),
        autogen_completions.PATCH,
        autogen_tools.PATCH,
    )
