"""Turn tracing on for the process: MLflow's recording, our patches, redaction and sampling."""

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from multiprocessing.util import Finalize, register_after_fork
from typing import Any, Self

import mlflow

from instrumentation.http_attempts.failed_attempt import Attempt
from instrumentation.recording.handoffs import record_handoffs
from instrumentation.recording.run import RunHandle, add_active_store_to_open_runs, record_run
from instrumentation.redaction.redaction import DEFAULT_REDACTION, Redaction
from instrumentation.sampling.sampling import Sampling
from instrumentation.sampling.tail_sampler import TailSampler
from instrumentation.tracing_setup.environment_defaults import set_environment_defaults
from instrumentation.tracing_setup.frameworks import FrameworkTracing
from instrumentation.tracing_setup.patches import require_span_pipeline, span_pipeline_patches
from instrumentation.tracing_setup.warnings import warn_about_environment, warn_about_gaps
from patches.mlflow.store.experiment import use_experiment
from patches.mlflow.tracer_providers import call_at_exit
from patches.patch import PatchOutcome, apply_patches
from patches.registry import FRAMEWORKS, framework_patches, mlflow_patches
from patches.support.error_boundaries import OnError
from patches.support.fork_hooks import fork_hooks

__all__ = ["RunHandle", "Tracing", "enable_tracing", "record_run"]

DEFAULT_TRACKING_URI = "sqlite:///mlflow.db"
"""The store if neither the caller nor MLFLOW_TRACKING_URI names one; also MLflow's own default."""


class Tracing:
    """Tracing that is on, until `shutdown()` or the end of the `with` block."""

    def __init__(
        self, stack: ExitStack, outcomes: Sequence[PatchOutcome], frameworks: FrameworkTracing
    ) -> None:
        self._stack, self._outcomes, self._frameworks = stack, outcomes, frameworks

    @property
    def patch_outcomes(self) -> tuple[PatchOutcome, ...]:
        """For each patch so far, whether it was applied, or why not.

        A framework's patches are applied when it is imported.
        """
        return (*self._outcomes, *self._frameworks.outcomes)

    def shutdown(self) -> None:
        """Store all spans, and undo everything that `enable_tracing` changed. Idempotent."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


def enable_tracing(
    tracking_uri: str | None = None,
    frameworks: Sequence[str] | None = None,
    *,
    experiment: str = "flight-recorder",
    redaction: Redaction | None = DEFAULT_REDACTION,
    sampling: Sampling | None = None,
) -> Tracing:
    """Start to record agents and completions in an MLflow store, in the whole process.

    Tracing starts when this function is called. Use the result as a context manager, or call its
    `shutdown()`; otherwise tracing ends with the process. Both store all spans and undo all
    changes to MLflow, the frameworks and the environment.

    Workflows may run concurrently while tracing is on. Enable it once, around all of them:
    overlapping blocks are not supported, because the first exit disables tracing for both.

    All spans are stored however the process ends, with exceptions. SIGTERM needs
    `handle_sigterm` around the program. Whoever calls `os._exit` or `os.exec*`, such as a child of
    `os.fork`, must call `mlflow.flush_trace_async_logging()` before. A `multiprocessing.Pool` ends
    its workers by SIGTERM, unless `close()` and `join()` are called. After SIGKILL or a crash, the
    spans of the last second are missing, and the trace stays in progress.

    Example:
        enable_tracing()                      # until the process ends

        with enable_tracing("http://127.0.0.1:5000", frameworks=("crewai", "openai")):
            crew.kickoff()

    Args:
        tracking_uri: The MLflow store. Default: the environment variable MLFLOW_TRACKING_URI, or
            `sqlite:///mlflow.db`.
        frameworks: Any of "autogen", "crewai" and, for completions that the program requests from
            the `openai` package directly, "openai". These are imported now. Default: all of them,
            each as soon as the program imports it.
        experiment: The MLflow experiment; created if it does not exist.
        redaction: Removes secrets and personal data from everything that leaves the process. None
            disables redaction (for benchmarks only).
        sampling: Decides which traces are kept. Default: all.

    Logs a warning for everything that will be missing from traces, with its reason: a version that
    the patches do not support, or a setting by which spans are dropped or cut off.

    Raises:
        TypeError: `redaction` or `sampling` is something else, for example a number.
        ValueError: A framework is unknown, for example because a str was passed, not a list.
        SpanPipelineError: Spans could be neither redacted nor sampled.
    """
    _check_type(redaction, Redaction)
    _check_type(sampling, Sampling)
    selected = None if frameworks is None else _check_frameworks(frameworks)
    store = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_TRACKING_URI
    stack = ExitStack()
    stack.enter_context(call_at_exit(partial(_close_at_exit, stack)))  # if nobody shuts it down
    with OnError(lambda _: stack.close()):
        return _start(stack, store, experiment, selected, redaction, sampling)


def _start(
    stack: ExitStack,
    store: str,
    experiment: str,
    frameworks: Sequence[str] | None,
    redaction: Redaction | None,
    sampling: Sampling | None,
) -> Tracing:
    """Turn everything on, in an order in which it can be undone without losing a span."""
    tail_sampler = TailSampler(sampling) if sampling else None
    stack.enter_context(set_environment_defaults())
    pipeline = stack.enter_context(apply_patches(*span_pipeline_patches(redaction, tail_sampler)))
    if redaction or sampling:
        require_span_pipeline(pipeline)
    stack.enter_context(use_experiment(store, experiment))
    add_active_store_to_open_runs()
    stack.callback(mlflow.flush_trace_async_logging)
    register_after_fork(stack, _flush_at_process_end)
    if tail_sampler:
        stack.callback(tail_sampler.close)
        stack.enter_context(fork_hooks(after_in_child=tail_sampler.forget_pending))
    repairs = stack.enter_context(apply_patches(*mlflow_patches(Attempt.for_request)))
    warn_about_gaps(outcomes := (*pipeline, *repairs))
    warn_about_environment(experiment)
    tracing = FrameworkTracing(partial(framework_patches, on_turn=record_handoffs))
    stack.enter_context(tracing.recording(frameworks))
    return Tracing(stack, outcomes, tracing)


def _close_at_exit(stack: ExitStack) -> None:
    """Shut tracing down. Ctrl-C ends the flush, which says what is lost."""
    with suppress(KeyboardInterrupt):
        stack.close()


def _check_type(argument: object, expected: type) -> None:
    if argument is not None and not isinstance(argument, expected):
        raise TypeError(f"expected a {expected.__name__} or None, not {argument!r}")


def _check_frameworks(frameworks: Sequence[str]) -> tuple[str, ...]:
    """The names without duplicates. Raises `ValueError` for an unknown one."""
    if unknown := [name for name in frameworks if name not in FRAMEWORKS]:
        raise ValueError(
            f"unknown framework {unknown[0]!r} in {frameworks!r}: expected a tuple or list of"
            f" {', '.join(FRAMEWORKS)}"
        )
    return tuple(dict.fromkeys(frameworks))


def _flush_at_process_end(_: object) -> None:
    """Flush in a process that `multiprocessing` forks: it ends without leaving the block."""
    Finalize(None, mlflow.flush_trace_async_logging, exitpriority=0)
