"""Tracing: MLflow turned on for the process, and each run's traces found again by a tag."""

import atexit
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.util import Finalize, register_after_fork
from typing import Any
from uuid import uuid4

import mlflow
from mlflow.utils.autologging_utils import autologging_is_disabled

from instrumentation.handoffs import record_handoffs
from instrumentation.http_attempts.attempt import Attempt
from instrumentation.redaction.redaction import DEFAULT_REDACTION, Redaction
from instrumentation.sampling.sampling import Sampling
from instrumentation.sampling.tail_sampler import TailSampler
from instrumentation.tracing_environment import set_environment_defaults
from instrumentation.tracing_patches import require_span_pipeline, span_pipeline_patches
from patches.mlflow.experiment import use_experiment as active
from patches.patch import PatchOutcome, apply_patches
from patches.registry import FRAMEWORKS, builtin_patches

RUN_TAG = "flight_recorder.run"
FRAMEWORK_PACKAGES = {"autogen": "autogen_agentchat", "crewai": "crewai"}
"""What is imported where a framework is in use: MLflow's name for it, and its package.

`openai` is not among them: frameworks import it for themselves, and record what they ask it for.
"""


@dataclass(frozen=True)
class RunHandle:
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
def enable_tracing(
    tracking_uri: str,
    experiment: str = "flight-recorder",
    frameworks: Sequence[str] | None = None,
    *,
    redaction: Redaction | None = DEFAULT_REDACTION,
    sampling: Sampling | None = None,
) -> Generator[tuple[PatchOutcome, ...]]:
    """Record AutoGen and CrewAI in an MLflow store, process-wide; undone, and stored, on exit.

    `frameworks` are "autogen", "crewai" and, for completions that a program asks `openai` for
    itself, "openai"; without it, those of the first two that are imported already, so that nobody
    waits for the import of a framework that he does not use. `redaction` takes secrets
    and personal data out of all that leaves, to the store or elsewhere; None is for comparison.
    `sampling` keeps some of the traces; without it, all. Yields what became of each patch.

    Workflows inside it may run at once. Enter it once, around them all: of two blocks that overlap,
    the first to end turns recording off for the other.

    However the process ends, what was traced is stored: SIGTERM needs `terminable` around it, and a
    child of `os.fork` that ends with `os._exit` a flush of its own, as it runs no clean-up at all.
    """
    selected = imported_frameworks() if frameworks is None else _check_frameworks(frameworks)
    tail_sampler = TailSampler(sampling) if sampling else None
    with ExitStack() as stack:
        stack.callback(atexit.unregister, stack.close)
        atexit.register(stack.close)  # for whoever enters, and never leaves
        stack.enter_context(set_environment_defaults())
        pipeline_outcomes = stack.enter_context(
            apply_patches(*span_pipeline_patches(redaction, tail_sampler))
        )
        if redaction or sampling:
            require_span_pipeline(pipeline_outcomes)
        stack.enter_context(active(tracking_uri, experiment))
        stack.callback(mlflow.flush_trace_async_logging)
        register_after_fork(stack, _flush_at_process_end)
        if tail_sampler:
            stack.callback(tail_sampler.close)
        for framework in selected:
            stack.enter_context(_autolog(framework))
        repair_outcomes = stack.enter_context(
            apply_patches(*builtin_patches(record_handoffs, selected, Attempt.for_request))
        )
        yield (*pipeline_outcomes, *repair_outcomes)


def imported_frameworks() -> tuple[str, ...]:
    """The frameworks that this process has imported."""
    return tuple(name for name, package in FRAMEWORK_PACKAGES.items() if package in sys.modules)


def _check_frameworks(frameworks: Sequence[str]) -> tuple[str, ...]:
    """Each once; ValueError for what is none of them, such as the letters of a name."""
    if strange := [name for name in frameworks if name not in FRAMEWORKS]:
        raise ValueError(
            f"frameworks are some of {', '.join(FRAMEWORKS)}, in a tuple or list;"
            f" this is {frameworks!r}, in which {strange[0]!r} is none"
        )
    return tuple(dict.fromkeys(frameworks))


@contextmanager
def record_run(tags: Mapping[str, str] | None = None) -> Generator[RunHandle]:
    """Mark each trace of the block with the run's own tag and with `tags`; runs may overlap."""
    run = RunHandle(uuid4().hex)
    with mlflow.tracing.context(tags={**(tags or {}), RUN_TAG: run.id}):
        yield run


@contextmanager
def _autolog(framework: str) -> Generator[None]:
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


def _flush_at_process_end(_: object) -> None:
    """For a process that `multiprocessing` forks: it ends without leaving the block."""
    Finalize(None, mlflow.flush_trace_async_logging, exitpriority=0)
