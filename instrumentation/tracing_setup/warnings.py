"""Warnings about everything that `enable_tracing` cannot record: nothing is missing silently."""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable

from patches.mlflow.disabled_recording import explain_disabled_recording
from patches.patch import PatchOutcome

MIN_COUNT_LIMIT = 1_000
"""OpenTelemetry keeps the last so many attributes, events or links; the oldest are MLflow's own."""
COUNT_LIMITS = (
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
)
LENGTH_LIMITS = ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT")
"""MLflow stores values as JSON, which is unreadable once it is cut off."""

MIN_TTL_S = 3_600
"""How long MLflow lets a trace take, by default."""
LOSSY_BELOW = {
    "MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE": (MIN_COUNT_LIMIT, "spans beyond it are dropped"),
    "MLFLOW_TRACE_BUFFER_MAX_SIZE": (MIN_COUNT_LIMIT, "the oldest of more traces are dropped"),
    "MLFLOW_TRACE_BUFFER_TTL_SECONDS": (MIN_TTL_S, "a trace that takes longer is dropped"),
    "MLFLOW_TRACE_TIMEOUT_SECONDS": (MIN_TTL_S, "a trace that takes longer is dropped"),
}
"""Below these values, MLflow can lose traces of an ordinary program."""

_log = logging.getLogger(__name__)


def warn_about_gaps(outcomes: Iterable[PatchOutcome]) -> None:
    """Log a warning for each reason why patches were not applied, with what will be missing."""
    symptoms = defaultdict(list)
    for outcome in outcomes:
        if outcome.leaves_gap and outcome.skip_reason is not None:
            reason = outcome.skip_reason.removeprefix(outcome.patch.name).strip()
            symptoms[reason].append(f"{outcome.patch.name}: {outcome.patch.symptom}")
    for reason, lines in symptoms.items():
        _log.warning(
            "Traces will be incomplete: each patch below %s. What happens without it:\n  %s\n"
            "Install a version that the patches support; patches/README.md lists them.",
            reason,
            "\n  ".join(lines),
        )


def warn_about_environment(experiment: str) -> None:
    """Log a warning for each setting of the environment that loses spans, or is not used.

    Call it once the tracer provider is set up.

    Args:
        experiment: The name of the experiment in which traces are stored.
    """
    if reason := explain_disabled_recording():
        _log.warning("No span will be recorded: %s.", reason)
    named = os.environ.get("MLFLOW_EXPERIMENT_NAME", "").strip()
    if named and named != experiment:
        _log.warning(
            "Traces are stored in the experiment %r, although MLFLOW_EXPERIMENT_NAME=%s is set:"
            " pass enable_tracing(experiment=%r).",
            experiment,
            named,
            named,
        )
    for name, (limit, effect) in LOSSY_BELOW.items():
        if _is_below(name, limit):
            _log.warning(
                "Traces can be lost, because %s=%s is set: %s. Unset it or raise it to at least"
                " %d.",
                name,
                os.environ[name],
                effect,
                limit,
            )
    _warn_about_span_limits()


def _warn_about_span_limits() -> None:
    """Log a warning for settings by which OpenTelemetry keeps less than the whole of a span."""
    low_counts = [name for name in COUNT_LIMITS if _is_below(name, MIN_COUNT_LIMIT)]
    lengths = [name for name in LENGTH_LIMITS if os.environ.get(name, "").strip()]
    for names, effect in (
        (low_counts, "the oldest attributes, events or links of a larger span are dropped"),
        (lengths, "inputs and outputs that are longer cannot be read back"),
    ):
        if names:
            settings = ", ".join(f"{name}={os.environ[name]}" for name in names)
            _log.warning(
                "Spans will be incomplete, because %s is set: %s. Unset it or raise it to at least"
                " 100000.",
                settings,
                effect,
            )


def warn_about_missing_traces() -> None:
    """Log a warning with the possible reasons why a run has no trace."""
    if reason := explain_disabled_recording():
        _log.warning("The run left no trace: %s.", reason)
        return
    _log.warning(
        "The run left no trace. Was enable_tracing() on during the run, with the frameworks that it"
        " uses? Did sampling drop it? Did the work run in another process, in a"
        " multiprocessing.pool.ThreadPool that was started before the run, or in a thread that"
        " another library started in C? Such work does not know the run: call record_run() inside"
        " it."
    )


def _is_below(name: str, limit: int) -> bool:
    value = os.environ.get(name, "").strip()
    return value.isdecimal() and int(value) < limit
