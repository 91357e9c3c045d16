"""Turn tracing on for the process, and tag the traces of each run so that they can be found again.

Example:
    from instrumentation import enable_tracing, record_run

    with enable_tracing(), record_run({"team": "billing"}) as run:
        answer_the_ticket()
    for trace in run.traces():
        print(trace.info.trace_id)
"""

import atexit
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.util import Finalize, register_after_fork
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import mlflow

from instrumentation.handoffs import record_handoffs
from instrumentation.http_attempts.attempt import Attempt
from instrumentation.redaction.redaction import DEFAULT_REDACTION, Redaction
from instrumentation.sampling.sampling import Sampling
from instrumentation.sampling.tail_sampler import TailSampler
from instrumentation.trace.trace_file import RUN_TAG
from instrumentation.tracing_environment import set_environment_defaults
from instrumentation.tracing_frameworks import FrameworkTracing
from instrumentation.tracing_patches import require_span_pipeline, span_pipeline_patches
from instrumentation.tracing_warnings import (
    warn_about_environment,
    warn_about_gaps,
    warn_about_missing_traces,
)
from patches.mlflow.store.experiment import (
    active_experiment,
    has_active_experiment,
    resolve_experiment_id,
    use_experiment,
)
from patches.patch import PatchOutcome, apply_patches
from patches.registry import FRAMEWORKS, framework_patches, mlflow_patches
from patches.support.fork_hooks import fork_hooks

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

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(error_type, error, traceback)


@dataclass(frozen=True)
class RunHandle:
    """Finds the traces that were tagged by `record_run`; `tag` is the tag that has the id."""

    id: str
    tag: str = RUN_TAG
    _experiments: dict[tuple[str, str], None] = field(default_factory=dict, repr=False)
    """Each tracking URI and experiment to which the run's traces may have gone."""

    def traces(self) -> list[Any]:
        """All `mlflow.entities.Trace` of the run, oldest first; waits until they are stored.

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
            trace for uri, name in experiments for trace in self._search(uri, name, include_spans)
        ]

    def _search(self, tracking_uri: str, experiment: str, include_spans: bool) -> Iterator[Any]:
        search = partial(
            mlflow.MlflowClient(tracking_uri).search_traces,
            locations=[resolve_experiment_id(experiment, tracking_uri)],
            filter_string=f"tags.`{self.tag}` = '{self.id}'",
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

    All spans are stored however the process ends, with two exceptions. SIGTERM needs
    `handle_sigterm` around the program. A child of `os.fork` that ends with `os._exit` must call
    `mlflow.flush_trace_async_logging()` itself.

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
        ValueError: A framework is unknown, for example because a str was passed, not a list.
        SpanPipelineError: Spans could be neither redacted nor sampled.
    """
    selected = None if frameworks is None else _check_frameworks(frameworks)
    store = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_TRACKING_URI
    stack = ExitStack()
    stack.callback(atexit.unregister, stack.close)
    atexit.register(stack.close)  # in case nobody shuts it down
    try:
        return _start(stack, store, experiment, selected, redaction, sampling)
    except BaseException:
        stack.close()
        raise


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
    for run in _OPEN_RUNS.get():  # those that began before tracing
        run._add_active_experiment()
    stack.callback(mlflow.flush_trace_async_logging)
    register_after_fork(stack, _flush_at_process_end)
    if tail_sampler:
        stack.callback(tail_sampler.close)
        stack.enter_context(fork_hooks(after_in_child=tail_sampler.forget_pending))
    repairs = stack.enter_context(apply_patches(*mlflow_patches(Attempt.for_request)))
    warn_about_gaps(outcomes := (*pipeline, *repairs))
    warn_about_environment()
    tracing = FrameworkTracing(partial(framework_patches, on_turn=record_handoffs))
    stack.enter_context(tracing.recording(frameworks))
    return Tracing(stack, outcomes, tracing)


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
    token = _OPEN_RUNS.set((*_OPEN_RUNS.get(), run))
    try:
        with mlflow.tracing.context(tags={**(tags or {}), RUN_TAG: run.id}):
            yield run
    finally:
        run._add_active_experiment()
        _OPEN_RUNS.reset(token)
        for outer in _OPEN_RUNS.get():
            outer._experiments.update(run._experiments)


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
