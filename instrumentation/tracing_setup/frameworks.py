"""Record each framework once it is imported, with the patches that complete its traces."""

import logging
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from threading import Lock
from time import time_ns

from mlflow.utils.autologging_utils import autologging_is_disabled

from instrumentation.tracing_setup.warnings import warn_about_gaps
from patches.mlflow.spans.unfinished_spans import end_unfinished_spans
from patches.patch import Patch, PatchOutcome, apply_patches
from patches.support import span_registry
from patches.support.import_hooks import call_after_import

FRAMEWORK_PACKAGES = {"autogen": "autogen_agentchat", "crewai": "crewai", "openai": "openai"}
"""MLflow's name of a framework, and the package whose import shows that it is in use."""

_log = logging.getLogger(__name__)


class FrameworkTracing:
    """The frameworks that were turned on so far, and the outcome of each of their patches."""

    def __init__(self, patches_of: Callable[[str], Sequence[Patch]]) -> None:
        self.outcomes: list[PatchOutcome] = []
        self._patches_of = patches_of
        self._turned_on: set[str] = set()
        self._stack = ExitStack()
        self._is_closed = False
        self._lock = Lock()

    @contextmanager
    def recording(self, frameworks: Sequence[str] | None) -> Generator[None]:
        """Record the named frameworks now, or each one as soon as the program imports it.

        As the block ends, spans that are still open are ended.
        """
        process_id, started_after_ns = os.getpid(), time_ns()
        try:
            with ExitStack() as hooks:
                if frameworks is None:
                    callbacks = {
                        package: lambda framework=framework: self._turn_on_late(framework)
                        for framework, package in FRAMEWORK_PACKAGES.items()
                    }
                    hooks.enter_context(call_after_import(callbacks))
                for framework in frameworks or ():
                    self._turn_on(framework)
                yield
        finally:
            with self._lock:
                self._is_closed = True
            span_registry.end_all()
            if os.getpid() == process_id:  # a forked process leaves the spans of its parent alone
                end_unfinished_spans(started_after_ns)
            self._stack.close()

    def _turn_on_late(self, framework: str) -> None:
        try:
            self._turn_on(framework)
        except Exception:  # the program's own import must succeed, whatever MLflow raises
            _log.warning("%s is not recorded, because of this error:", framework, exc_info=True)

    def _turn_on(self, framework: str) -> None:
        with self._lock:
            if self._is_closed or framework in self._turned_on:
                return
            self._turned_on.add(framework)
        # Without the lock: other threads may hold import locks while they wait for it.
        with ExitStack() as stack:
            # Before autologging, which some patches change.
            outcomes = stack.enter_context(apply_patches(*self._patches_of(framework)))
            stack.enter_context(_autolog(framework))
            with self._lock:
                if not self._is_closed:
                    self._stack.push(stack.pop_all())
        self.outcomes += outcomes
        warn_about_gaps(outcomes)


@contextmanager
def _autolog(framework: str) -> Generator[None]:
    """Turn on MLflow's own recording of a framework, unless it is on already."""
    integration = import_module(f"mlflow.{framework}")
    was_off = autologging_is_disabled(integration.FLAVOR_NAME)
    if was_off:
        integration.autolog(silent=True)
    try:
        yield
    finally:
        if was_off:
            integration.autolog(disable=True, silent=True)
