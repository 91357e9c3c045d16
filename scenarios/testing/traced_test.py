"""Record a test's run, also in the Python programs that it starts, and read its trace back."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from uuid import uuid4

import mlflow

from instrumentation.trace import Trace, TraceNotFoundError
from instrumentation.trace.lookup import QUOTES, fetch_tagged
from instrumentation.tracing import enable_tracing
from scenarios.programs.launcher.launch import TraceSettings
from scenarios.testing.environment_variables import environment_variables

TEST_TAG = "flight_recorder.test"
"""The tag of a test's traces. Its value has the name of the test, and is unique."""


@dataclass(frozen=True)
class TracedTest:
    """The run of a test, whose trace can be read as soon as the program has run.

    Attributes:
        id: The value of `TEST_TAG`.
        store: The MLflow tracking URI.
        is_store_kept: Whether the store outlives the tests, so that failures are logged there.
    """

    id: str
    store: str
    is_store_kept: bool = False

    def read(self) -> Trace:
        """The trace of the run so far; waits until it is stored. A session counts as one trace.

        Raises:
            TraceNotFoundError: The program has left no trace, or several.
        """
        trace = self.read_all()
        if len(trace.roots) > 1 and trace.session is None:
            names = ", ".join(root.name for root in trace.roots)
            raise TraceNotFoundError(
                f"expected one trace, but the test has left {len(trace.roots)}: {names}. Call the"
                " program once per test, open one mlflow.start_span around all its calls, or expect"
                f" leaves_traces({len(trace.roots)})"
            )
        return trace

    def read_all(self) -> Trace:
        """All traces of the run so far, as one with several roots.

        Raises:
            TraceNotFoundError: The program has left no trace.
        """
        mlflow.flush_trace_async_logging()
        try:
            return fetch_tagged(TEST_TAG, self.id, self.store)
        except TraceNotFoundError:
            raise TraceNotFoundError(
                "the test has left no trace: it called nothing that is recorded (AutoGen, CrewAI,"
                " openai, functions with mlflow.trace), or called it in a process that is not"
                " Python"
            ) from None


@contextmanager
def trace_test(name: str, store: str, *, is_store_kept: bool = False) -> Generator[TracedTest]:
    """Record everything that runs in the block, and in Python programs that it starts."""
    searchable = "".join(one for one in name if one not in QUOTES)
    test = TracedTest(f"{searchable}#{uuid4().hex[:12]}", store, is_store_kept)
    tags = {TEST_TAG: test.id}
    programs = TraceSettings(store, tags=tags, children=True, is_child=True)
    variables = {"MLFLOW_TRACKING_URI": store, **programs.to_environment()}
    with ExitStack() as stack:
        stack.enter_context(environment_variables(variables))
        stack.enter_context(enable_tracing(store))
        stack.enter_context(mlflow.tracing.context(tags=tags))
        yield test
