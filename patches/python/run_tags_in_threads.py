"""Carry a run's MLflow tags, session and user (not its current span) into threads and pools.

The tags, session and user of `mlflow.tracing.context` are a context variable, and a new thread
starts with an empty context. A thread inherits them for its whole life. A task of a
`ThreadPoolExecutor` has those of the code that submits it, whichever run started its thread.

The current span is not inherited: it may end long before the thread does.
"""

from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from threading import Thread
from typing import Any

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing.context import _USER_TRACE_CONTEXT as trace_context

    start, submit = Thread.start, ThreadPoolExecutor.submit

    @wraps(start)
    def start_in_context(self: Thread, *args: Any, **kwargs: Any) -> None:
        if trace_context.get() is not None:
            run = self.run

            def run_once() -> None:
                del self.run  # the attribute refers to the thread, which would never be freed
                run()

            self.run = _bind(trace_context, run_once)  # type: ignore[method-assign]
        start(self, *args, **kwargs)

    def submit_in_context(
        self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        return submit(self, _bind(trace_context, fn), *args, **kwargs)

    with (
        replace_for_block(Thread, start=start_in_context),
        replace_for_block(ThreadPoolExecutor, submit=submit_in_context),
    ):
        yield


def _bind(variable: ContextVar[Any], fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls `fn` with the present value of the context variable."""
    value = variable.get()

    def call_with_value(*args: Any, **kwargs: Any) -> Any:
        token = variable.set(value)
        try:
            return fn(*args, **kwargs)
        finally:
            variable.reset(token)

    return call_with_value


PATCH = Patch(
    name="python.run_tags_in_threads",
    symptom="traces of threads and thread pools that a run starts lack its tags and session",
    upstream="threading.Thread.start and ThreadPoolExecutor.submit, which do not copy the context;"
    " CPython's sys.flags.thread_inherit_context (3.14) does so for threads",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="threads and tasks of thread pools inherit the context of their caller by default",
    canary="tests/patches/python/test_run_tags_in_threads.py"
    "::test_upstream_python_gives_a_thread_the_tags_of_its_run",
    apply=_apply,
    wraps={
        "threading:Thread.start": "self",
        "concurrent.futures:ThreadPoolExecutor.submit": "self, fn",
        "mlflow.tracing.context:_USER_TRACE_CONTEXT": "",
    },
)
