"""Replace MLflow's spans of `openai` requests: one span each, whatever method is called.

`create`, `parse` and `stream` of the chat and Responses APIs, sync and async, with or without raw
responses, all call one method of the client, which retries failed requests; so do embeddings,
images and transcripts. MLflow wraps some of them one by one, ends a stream's span only when its
last chunk is read, and records no tokens but those of completions. MLflow's own spans are suspended
while this patch is applied.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial, wraps
from inspect import isasyncgenfunction
from typing import Any

from patches.openai.background_responses import RECORDED_RESPONSES, observe_retrieval
from patches.openai.request_span import RequestSpan
from patches.patch import Patch
from patches.support.autolog_wrappers import (
    SAFE_PATCH_PARAMETERS,
    remove_autolog_wrappers_for_block,
)
from patches.support.call_wrapping import (
    OnResult,
    ignore_result,
    wrap_call,
)
from patches.support.error_boundaries import OnError
from patches.support.http_clients import is_http_response, send_methods
from patches.support.open_span import OpenSpan


@contextmanager
def _apply() -> Generator[None]:
    from openai._resource import AsyncAPIResource, SyncAPIResource

    def sends_request(cls: type, method: str) -> bool:
        return issubclass(cls, SyncAPIResource | AsyncAPIResource)

    with (
        RECORDED_RESPONSES.cleared_after_block(),
        remove_autolog_wrappers_for_block("mlflow.openai.autolog", sends_request),
    ):
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
def _record_send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Generator[OnResult]:
    span = OpenSpan.innermost()
    if not isinstance(span, RequestSpan):
        yield ignore_result
        return
    span.add_trace_headers(request)
    yield span.record_response


@contextmanager
def _record_processing(client: Any, *args: Any, **kwargs: Any) -> Generator[OnResult]:
    """Observe a retrieved response, or a reply that was not sent for, as from a client's cache."""
    span: Any = OpenSpan.innermost()
    response: Any = kwargs.get("response")
    if isinstance(span, RequestSpan) and is_http_response(response):
        span.record_unsent_response(response)
    elif is_http_response(response):
        observe_retrieval(client, kwargs.get("options"), response)
    yield ignore_result


def _wrap_stream(iter_events: Callable[..., Any]) -> Callable[..., Any]:
    """Let the span of a completion read its stream, and see the error that ends it."""
    is_async = isasyncgenfunction(iter_events)

    @wraps(iter_events)
    def iter_recorded(stream: Any, *args: Any, **kwargs: Any) -> Any:
        events = iter_events(stream, *args, **kwargs)
        if (span := RequestSpan.of_response(stream.response)) is None:
            return events
        return span.read_async_events(events) if is_async else span.read_events(events)

    return iter_recorded


def _wrap_parser(parse_events: Callable[..., Any]) -> Callable[..., Any]:
    """Record an error of the client's `stream()` helper, which parses what the stream yields."""

    @wraps(parse_events)
    def parse_recorded(helper: Any, *args: Any, **kwargs: Any) -> Any:
        with _recording_parse_error(helper):
            yield from parse_events(helper, *args, **kwargs)

    @wraps(parse_events)
    async def parse_recorded_async(helper: Any, *args: Any, **kwargs: Any) -> Any:
        with _recording_parse_error(helper):
            async for event in parse_events(helper, *args, **kwargs):
                yield event

    return parse_recorded_async if isasyncgenfunction(parse_events) else parse_recorded


@contextmanager
def _recording_parse_error(helper: Any) -> Generator[None]:
    span = RequestSpan.of_response(helper._response)

    def end(error: BaseException) -> None:
        if span is not None and isinstance(error, Exception):
            span.end(error)

    with OnError(end):
        yield


REQUEST = "self, cast_to, options"
WRAP_REQUEST = partial(wrap_call, _record_completion)
WRAP_PROCESSING = partial(wrap_call, _record_processing)
PATCH = Patch(
    name="openai.completion_spans",
    symptom=(
        "an async call that is cancelled leaves no trace, nor does a retrieved background response;"
        " before MLflow 3.18 neither does a stream that breaks off or is closed early, and streamed"
        " tool calls are not stored; a request's extra headers are; embeddings and images have no"
        " tokens"
    ),
    upstream="mlflow.openai.autolog (`async_patched_call`: `except Exception`)",
    versions={"mlflow": ">=3.17,<3.19", "openai": ">=1.66,<4"},
    delete_when="autolog() records a call that is cancelled and a retrieved background response,"
    " and no extra headers",
    canary="tests/patches/openai/test_streams.py"
    "::test_upstream_autolog_records_a_cancelled_completion",
    apply=_apply,
    methods={
        **send_methods(_record_send),
        "openai._base_client:SyncAPIClient.request": (REQUEST, WRAP_REQUEST),
        "openai._base_client:AsyncAPIClient.request": (REQUEST, WRAP_REQUEST),
        "openai._base_client:SyncAPIClient._process_response": ("self", WRAP_PROCESSING),
        "openai._base_client:AsyncAPIClient._process_response": ("self", WRAP_PROCESSING),
        "openai:Stream.__stream__": ("self", _wrap_stream),
        "openai:AsyncStream.__stream__": ("self", _wrap_stream),
        "openai.lib.streaming.chat:ChatCompletionStream.__stream__": ("self", _wrap_parser),
        "openai.lib.streaming.chat:AsyncChatCompletionStream.__stream__": ("self", _wrap_parser),
        "openai.lib.streaming.responses:ResponseStream.__stream__": ("self", _wrap_parser),
        "openai.lib.streaming.responses:AsyncResponseStream.__stream__": ("self", _wrap_parser),
    },
    wraps={"mlflow.openai.autolog:safe_patch": SAFE_PATCH_PARAMETERS},
)
