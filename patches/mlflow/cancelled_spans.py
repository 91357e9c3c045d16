"""Spans that say so when they were cancelled.

`mlflow.start_span` records an `Exception`. `CancelledError`, `KeyboardInterrupt`, `SystemExit` and
`GeneratorExit` are none, and a span that one of them passes through ends with the status OK.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from patches.patch import Patch
from patches.support.span_errors import record_error


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing import fluent

    original = fluent.with_active_span

    @contextmanager
    def with_active_span(span: Any) -> Generator[None]:
        try:
            with original(span):
                yield
        except Exception:
            raise
        except BaseException as interruption:
            record_error(span, interruption)
            raise

    fluent.with_active_span = with_active_span
    try:
        yield
    finally:
        fluent.with_active_span = original


PATCH = Patch(
    name="cancelled_spans",
    symptom="a cancelled span has the status OK",
    upstream="mlflow.tracing.provider.with_active_span (`except Exception`)",
    versions={"mlflow": ">=3.17"},
    delete_when="`mlflow.start_span` gives a cancelled span the status ERROR",
    canary="tests/patches/mlflow/test_cancelled_spans.py::test_mlflow_alone_says_that_a_span_was_cancelled",
    apply=_apply,
)
