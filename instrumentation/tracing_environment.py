"""Settings: what the environment says to MLflow and to the frameworks while they are traced."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from mlflow.environment_variables import MLFLOW_EXPERIMENT_ID, MLFLOW_TRACKING_URI

ENVIRONMENT_DEFAULTS = {
    # One worker: with more of them SQLite stores wrong costs.
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS": "1",
    # Two queues, the second as long as its batch: by default a burst of 2,000 spans loses some. And
    # a transaction for all that has come in a second, not for each five spans, takes less CPU.
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE": "100000",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE": "100000",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS": "1000",
    # A dead server is refused at once, a hung one given up in seconds, not in minutes: what it did
    # not take is kept and offered again by patches/mlflow/export_queue/retry_queues.py.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # A trace waits in a buffer until it is stored, and one that comes when 1,000 wait pushes the
    # oldest out; so does an hour, and an agent may work longer.
    "MLFLOW_TRACE_BUFFER_MAX_SIZE": "100000",
    "MLFLOW_TRACE_BUFFER_TTL_SECONDS": "604800",
    # Or a program that seeds `random` gives its traces the ids of the run before, and one store
    # takes both for one.
    "MLFLOW_TRACE_USE_ISOLATED_RANDOM_ID_GENERATOR": "true",
    # A receiver that OTEL_EXPORTER_OTLP_TRACES_ENDPOINT names gets spans beside the store, not in
    # its place; and the protocol that receivers share is not MLflow's default.
    "MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT": "true",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A span keeps its last 128 events by default; a stream has one for each word.
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "100000",
    # AutoGen's own runtime spans show its messaging, about forty a run.
    "AUTOGEN_DISABLE_RUNTIME_TRACING": "true",
}

SET_BY_MLFLOW = (MLFLOW_EXPERIMENT_ID.name, MLFLOW_TRACKING_URI.name, "OTEL_RESOURCE_ATTRIBUTES")
"""What MLflow itself writes into the environment."""


@contextmanager
def set_environment_defaults() -> Generator[None]:
    """Set what the environment does not say otherwise, and put it back as it was."""
    before = dict(os.environ)
    os.environ.update(
        {name: value for name, value in ENVIRONMENT_DEFAULTS.items() if name not in before}
    )
    try:
        yield
    finally:
        for name in {*ENVIRONMENT_DEFAULTS, *SET_BY_MLFLOW}:
            os.environ.pop(name, None)
            os.environ.update({name: before[name]} if name in before else {})
