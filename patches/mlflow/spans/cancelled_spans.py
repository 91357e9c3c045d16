"""Give cancelled and interrupted spans the status ERROR.

`mlflow.start_span` records only an `Exception`. `CancelledError`, `KeyboardInterrupt`, `SystemExit`
and `GeneratorExit` derive from `BaseException` alone, so a span that they end has the status OK.
"""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block
from patches.support.error_boundaries import OnError
from patches.support.span_errors import record_error


def _apply() -> AbstractContextManager[None]:
    from mlflow.tracing import fluent

    original = fluent.with_active_span

    @contextmanager
    def with_active_span(span: Any, *args: Any, **kwargs: Any) -> Generator[None]:
        def record(error: BaseException) -> None:
            if not isinstance(error, Exception):
                record_error(span, error)

        with OnError(record), original(span, *args, **kwargs):
            yield

    return replace_for_block(fluent, with_active_span=with_active_span)


PATCH = Patch(
    name="mlflow.spans.cancelled_spans",
    symptom="a cancelled span has the status OK",
    upstream="mlflow.tracing.provider.with_active_span (`except Exception`)",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="`mlflow.start_span` gives a cancelled span the status ERROR",
    canary="tests/patches/mlflow/test_cancelled_spans.py"
    "::test_upstream_mlflow_gives_a_cancelled_span_the_status_error",
    apply=_apply,
    wraps={"mlflow.tracing.fluent:with_active_span": "span"},
)
