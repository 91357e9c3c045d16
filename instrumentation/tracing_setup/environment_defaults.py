"""Environment variables that MLflow and the frameworks need while tracing is on."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from mlflow.environment_variables import MLFLOW_EXPERIMENT_ID, MLFLOW_TRACKING_URI

ENVIRONMENT_DEFAULTS = {
    # With more than one worker, SQLite stores wrong costs.
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS": "1",
    # MLflow has two queues, the second one as long as its batch. With its defaults, a burst of
    # 2,000 spans loses some. One transaction per second, not per five spans, takes less CPU.
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE": "100000",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE": "100000",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS": "1000",
    # Give up on a dead server at once and on a hanging one in seconds, not minutes: rejected spans
    # are retried by a patch.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # A trace waits in a buffer until it is stored. By default, the oldest is dropped when 1,000
    # wait or after an hour, and an agent may work longer.
    "MLFLOW_TRACE_BUFFER_MAX_SIZE": "100000",
    "MLFLOW_TRACE_BUFFER_TTL_SECONDS": "604800",
    # Otherwise a program that seeds `random` reuses the trace ids of its previous run, and the
    # store merges the two traces.
    "MLFLOW_TRACE_USE_ISOLATED_RANDOM_ID_GENERATOR": "true",
    # The endpoint in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT gets spans in addition to the store, not
    # instead of it, over the protocol that most backends support.
    "MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT": "true",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # By default a span keeps its last 128 events; a stream has one event per chunk. It also keeps
    # its last 128 attributes, and without the oldest, which are MLflow's own, a trace never ends.
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "100000",
    "OTEL_SPAN_LINK_COUNT_LIMIT": "100000",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "100000",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "100000",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "100000",
    # MLflow computes costs from prices that it downloads, unless it is told to use those it ships.
    "MLFLOW_MODEL_CATALOG_URI": "",
    # The spans of AutoGen's runtime show its internal messages, about forty per run.
    "AUTOGEN_DISABLE_RUNTIME_TRACING": "true",
}

GENERAL_LIMITS = {
    name: "OTEL_ATTRIBUTE_COUNT_LIMIT"
    for name in ENVIRONMENT_DEFAULTS
    if name.endswith("_ATTRIBUTE_COUNT_LIMIT")
}
"""The general setting that a specific one would override; it is the user's if it is set."""
SET_BY_MLFLOW = (MLFLOW_EXPERIMENT_ID.name, MLFLOW_TRACKING_URI.name, "OTEL_RESOURCE_ATTRIBUTES")
"""Variables that MLflow itself writes into the environment."""


@contextmanager
def set_environment_defaults() -> Generator[None]:
    """Set the variables that are not set yet, and restore the environment on exit."""
    before = dict(os.environ)
    missing = {
        name: value
        for name, value in ENVIRONMENT_DEFAULTS.items()
        if name not in before and GENERAL_LIMITS.get(name) not in before
    }
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in {*ENVIRONMENT_DEFAULTS, *SET_BY_MLFLOW}:
            os.environ.pop(name, None)
            os.environ.update({name: before[name]} if name in before else {})
