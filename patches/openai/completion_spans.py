"""Record an LLM span for each completion requested with the `openai` package, by any method.

`create`, `parse` and `stream` of the chat and Responses APIs, sync and async, with or without raw
responses, all call one method of the client, which retries failed requests. MLflow wraps some of
them one by one, and ends a stream's span only when its last chunk is read. MLflow's own completion
spans are suspended while this patch is applied; those of embeddings and images stay.
"""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from patches.openai.request_span import RequestSpan
from patches.patch import Patch
from patches.support.call_wrapping import OnResult, ignore_result, wrap_async_call, wrap_call
from patches.support.open_span import OpenSpan
from patches.support.subclass_wrapping import wrap_in_all_subclasses
from patches.support.suspend_autolog import suspend_autolog_of_methods

METHODS = ("create", "parse")
"""The methods for completions that MLflow wraps."""


@contextmanager
def _apply() -> Generator[None]:
    import httpx
    import mlflow.openai
    from openai._base_client import AsyncAPIClient, SyncAPIClient
    from openai.resources.chat.completions import AsyncCompletions, Completions
    from openai.resources.responses import AsyncResponses, Responses

    completion_classes = (Completions, AsyncCompletions, Responses, AsyncResponses)

    def is_completion(cls: type, method: str) -> bool:
        return issubclass(cls, completion_classes) and method in METHODS

    autolog_module = import_module("mlflow.openai.autolog")
    with ExitStack() as stack:
        stack.enter_context(
            suspend_autolog_of_methods(mlflow.openai.FLAVOR_NAME, autolog_module, is_completion)
        )
        for cls, name, wrap in (
            (SyncAPIClient, "request", partial(wrap_call, _record_completion)),
            (AsyncAPIClient, "request", partial(wrap_async_call, _record_completion)),
            (httpx.Client, "_send_single_request", partial(wrap_call, _record_send)),
            (httpx.AsyncClient, "_send_single_request", partial(wrap_async_call, _record_send)),
        ):
            stack.enter_context(wrap_in_all_subclasses(cls, name, wrap))
        yield


@contextmanager
def _record_completion(
    client: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any
) -> Generator[OnResult]:
    if (span := RequestSpan.open_if_needed(client, options)) is None:
        yield ignore_result
        return
    with span.sending():
        yield ignore_result


@contextmanager
def _record_send(client: Any, request: Any) -> Generator[OnResult]:
    span = OpenSpan.innermost()
    if not isinstance(span, RequestSpan):
        yield ignore_result
        return
    span.add_trace_headers(request)
    yield span.record_response


PATCH = Patch(
    name="openai.completion_spans",
    symptom=(
        "a stream that breaks off or is closed early, and an async call that is cancelled, leave no"
        " trace; streamed tool calls are not stored; a request's extra headers are"
    ),
    upstream="mlflow.openai.autolog (`_stream_output_logging_hook`, `async_patched_call`)",
    versions={"mlflow": ">=3.17,<4", "openai": ">=1.66,<3", "httpx": ">=0.27,<1"},
    delete_when="autolog() records a stream that is closed early, with the tool calls in it",
    canary="tests/patches/openai/test_streams.py"
    "::test_upstream_autolog_records_a_stream_that_is_closed_early",
    apply=_apply,
)
