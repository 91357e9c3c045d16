"""Call a recorder for each HTTP request of a completion, also for failed ones that are retried.

A client that retries hides its failed attempts. Every HTTP client sends all its requests through
one method, which this patch wraps. Requests outside a span of `RECORDED_TYPES` are not recorded.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from patches.patch import Patch
from patches.support.call_wrapping import OnResult, ignore_result
from patches.support.error_boundaries import OnError
from patches.support.http_clients import send_methods
from patches.support.open_span import OpenSpan

if TYPE_CHECKING:
    import httpx


class AttemptRecorder(Protocol):
    """Records the outcome of one HTTP request."""

    def record_response(self, response: "httpx.Response") -> None: ...
    def record_error(self, error: BaseException) -> None: ...


RECORDED_TYPES = ("LLM", "EMBEDDING")

OnAttempt = Callable[["httpx.Request"], AttemptRecorder]
"""Called before each request is sent; returns the recorder of its outcome."""


def http_attempts_patch(on_attempt: OnAttempt) -> Patch:
    """Call `on_attempt` for each request that a completion sends."""
    return Patch(
        name="mlflow.spans.http_attempts",
        symptom="requests that a client retries leave no trace: the LLM span shows no failures",
        upstream="mlflow.openai.autolog (`patched_call`, one span for all attempts)",
        versions={"mlflow": ">=3.17,<3.19"},
        delete_when="the span of a completion records each failed attempt",
        canary="tests/patches/openai/test_http_attempts.py"
        "::test_upstream_autolog_records_a_failed_attempt",
        methods=send_methods(partial(_record_attempt, on_attempt)),
    )


@contextmanager
def _record_attempt(
    on_attempt: OnAttempt, client: Any, request: "httpx.Request", *args: Any, **kwargs: Any
) -> Generator[OnResult]:
    span = OpenSpan.innermost()
    if span is None or span.is_ended or span.span.span_type not in RECORDED_TYPES:
        yield ignore_result
        return
    attempt = on_attempt(request)
    with OnError(attempt.record_error):
        yield attempt.record_response
