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
from importlib import import_module
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
    wrap_async_call,
    wrap_call,
    wrap_methods,
)
from patches.support.http_clients import is_http_response, send_methods, wrap_sends
from patches.support.open_span import OpenSpan


@contextmanager
def _apply() -> Generator[None]:
    import mlflow.openai
    from openai import AsyncStream, Stream
    from openai._base_client import AsyncAPIClient, SyncAPIClient
    from openai._resource import AsyncAPIResource, SyncAPIResource
    from openai.lib.streaming import chat as chat_streams
    from openai.lib.streaming import responses as response_streams

    def sends_request(cls: type, method: str) -> bool:
        return issubclass(cls, SyncAPIResource | AsyncAPIResource)

    autolog_module = import_module("mlflow.openai.autolog")
    with (
        RECORDED_RESPONSES.cleared_after_block(),
        remove_autolog_wrappers_for_block(mlflow.openai.FLAVOR_NAME, autolog_module, sends_request),
        wrap_sends(_record_send),
        wrap_methods(
            (SyncAPIClient, "request", partial(wrap_call, _record_completion)),
            (AsyncAPIClient, "request", partial(wrap_async_call, _record_completion)),
            (SyncAPIClient, "_process_response", partial(wrap_call, _record_processing)),
            (AsyncAPIClient, "_process_response", partial(wrap_async_call, _record_processing)),
            (Stream, "__stream__", partial(_wrap_stream, RequestSpan.read_events)),
            (AsyncStream, "__stream__", partial(_wrap_stream, RequestSpan.read_async_events)),
            (chat_streams.ChatCompletionStream, "__stream__", _wrap_parser),
            (chat_streams.AsyncChatCompletionStream, "__stream__", _wrap_async_parser),
            (response_streams.ResponseStream, "__stream__", _wrap_parser),
            (response_streams.AsyncResponseStream, "__stream__", _wrap_async_parser),
        ),
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


def _wrap_stream(
    read_events: Callable[[RequestSpan, Any], Any], iter_events: Callable[..., Any]
) -> Callable[..., Any]:
    """Let the span of a completion read its stream, and see the error that ends it."""

    @wraps(iter_events)
    def iter_recorded(stream: Any, *args: Any, **kwargs: Any) -> Any:
        span = RequestSpan.of_response(stream.response)
        events = iter_events(stream, *args, **kwargs)
        return events if span is None else read_events(span, events)

    return iter_recorded


def _wrap_parser(parse_events: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(parse_events)
    def parse_recorded(helper: Any, *args: Any, **kwargs: Any) -> Any:
        with _recording_parse_error(helper):
            yield from parse_events(helper, *args, **kwargs)

    return parse_recorded


def _wrap_async_parser(parse_events: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(parse_events)
    async def parse_recorded(helper: Any, *args: Any, **kwargs: Any) -> Any:
        with _recording_parse_error(helper):
            async for event in parse_events(helper, *args, **kwargs):
                yield event

    return parse_recorded


@contextmanager
def _recording_parse_error(helper: Any) -> Generator[None]:
    """Record an error of the client's `stream()` helper, which parses what the stream yields."""
    span = RequestSpan.of_response(helper._response)
    try:
        yield
    except Exception as error:
        if span is not None:
            span.end(error)
        raise


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
    wraps={
        "openai._base_client:SyncAPIClient.request": "self, cast_to, options",
        "openai._base_client:AsyncAPIClient.request": "self, cast_to, options",
        "openai._base_client:SyncAPIClient._process_response": "self",
        "openai._base_client:AsyncAPIClient._process_response": "self",
        "openai:Stream.__stream__": "self",
        "openai:AsyncStream.__stream__": "self",
        "openai.lib.streaming.chat:ChatCompletionStream.__stream__": "self",
        "openai.lib.streaming.chat:AsyncChatCompletionStream.__stream__": "self",
        "openai.lib.streaming.responses:ResponseStream.__stream__": "self",
        "openai.lib.streaming.responses:AsyncResponseStream.__stream__": "self",
        "mlflow.openai.autolog:safe_patch": SAFE_PATCH_PARAMETERS,
        **send_methods(),
    },
)
