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
from instrumentation.redaction.redaction import DEFAULT, Redaction
from instrumentation.sampling.sampling import Sampling
from instrumentation.sampling.tail_sampler import Held
from instrumentation.tracing_environment import settled
from instrumentation.tracing_patches import guards, required
from patches.mlflow.experiment import experiment as active
from patches.patch import Outcome, applied
from patches.registry import FRAMEWORKS, repairs

RUN_TAG = "flight_recorder.run"
PACKAGES = {"autogen": "autogen_agentchat", "crewai": "crewai"}
"""What is imported where a framework is in use: MLflow's name for it, and its package.

`openai` is not among them: frameworks import it for themselves, and record what they ask it for.
"""


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
    *,
    redaction: Redaction | None = DEFAULT,
    sampling: Sampling | None = None,
) -> Generator[tuple[Outcome, ...]]:
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
    chosen = in_use() if frameworks is None else _known(frameworks)
    held = Held(sampling) if sampling else None
    with ExitStack() as stack:
        stack.callback(atexit.unregister, stack.close)
        atexit.register(stack.close)  # for whoever enters, and never leaves
        stack.enter_context(settled())
        guarded = stack.enter_context(applied(*guards(redaction, held)))
        if redaction or sampling:
            required(guarded)
        stack.enter_context(active(tracking_uri, experiment))
        stack.callback(mlflow.flush_trace_async_logging)
        register_after_fork(stack, _flushed_at_the_end)
        if held:
            stack.callback(held.close)
        for framework in chosen:
            stack.enter_context(_autologged(framework))
        repaired = stack.enter_context(applied(*repairs(record_handoffs, chosen, Attempt.of)))
        yield (*guarded, *repaired)


def in_use() -> tuple[str, ...]:
    """The frameworks that this process has imported."""
    return tuple(name for name, package in PACKAGES.items() if package in sys.modules)


def _known(frameworks: Sequence[str]) -> tuple[str, ...]:
    """Each once; ValueError for what is none of them, such as the letters of a name."""
    if strange := [name for name in frameworks if name not in FRAMEWORKS]:
        raise ValueError(
            f"frameworks are some of {', '.join(FRAMEWORKS)}, in a tuple or list;"
            f" this is {frameworks!r}, in which {strange[0]!r} is none"
        )
    return tuple(dict.fromkeys(frameworks))


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


def _flushed_at_the_end(_: object) -> None:
    """For a process that `multiprocessing` forks: it ends without leaving the block."""
    Finalize(None, mlflow.flush_trace_async_logging, exitpriority=0)
