"""Explain by which setting MLflow records nothing: it does not say so itself."""

import os

from opentelemetry.sdk.environment_variables import OTEL_SDK_DISABLED

EXPORT_SETTINGS = (
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS",
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS",
    "MLFLOW_TRACE_BUFFER_MAX_SIZE",
    "MLFLOW_TRACE_BUFFER_TTL_SECONDS",
    "MLFLOW_TRACE_TIMEOUT_SECONDS",
)
"""Settings that must be numbers."""


def explain_disabled_recording() -> str | None:
    """Return why no new span will be recorded in this process, or None if spans are recorded."""
    from mlflow import environment_variables
    from mlflow.environment_variables import MLFLOW_TRACE_SAMPLING_RATIO
    from mlflow.tracing import provider

    for name in EXPORT_SETTINGS:
        try:
            getattr(environment_variables, name).get()
        except ValueError as error:  # MLflow catches it as it starts a span
            return f"{error}"

    if os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true":
        return f"{OTEL_SDK_DISABLED}=true turns OpenTelemetry off; unset it"
    if MLFLOW_TRACE_SAMPLING_RATIO.get() == 0:
        return f"{MLFLOW_TRACE_SAMPLING_RATIO.name}=0 drops all traces; unset it or raise it"
    if not provider.is_tracing_enabled():
        return "tracing was turned off; call mlflow.tracing.enable()"
    return None
