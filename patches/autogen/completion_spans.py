"""Record an LLM span for each completion of each AutoGen client, streamed or not.

MLflow records `create` of the client classes that exist when `autolog()` is called, and never
`create_stream`, so a team that streams leaves no LLM spans. MLflow's own spans are suspended, so
that both kinds look alike; its own helpers convert the content.
"""

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

from patches.autogen.client_calls import ClientCall
from patches.autogen.completion_span import CompletionSpan
from patches.patch import Patch
from patches.support.call_wrapping import OnResult, ignore_result, wrap_async_call
from patches.support.http_clients import send_methods, wrap_sends
from patches.support.open_span import OpenSpan, trace_stream
from patches.support.subclass_wrapping import wrap_in_all_subclasses
from patches.support.suspend_autolog import SAFE_PATCH_PARAMETERS, suspend_autolog_of_methods


@contextmanager
def _apply() -> Generator[None]:
    import mlflow.autogen
    from autogen_core.models import ChatCompletionClient

    def is_suspended(cls: type, method: str) -> bool:
        return method == "create"

    record_create = partial(wrap_async_call, _record_create)
    with (
        suspend_autolog_of_methods(mlflow.autogen.FLAVOR_NAME, mlflow.autogen, is_suspended),
        wrap_in_all_subclasses(ChatCompletionClient, "create", record_create),
        wrap_in_all_subclasses(ChatCompletionClient, "create_stream", _wrap_create_stream),
        wrap_sends(_record_send),
    ):
        yield


@contextmanager
def _record_create(client: Any, messages: Any, *args: Any, **kwargs: Any) -> Generator[OnResult]:
    call = ClientCall.begin(client, "create", messages, kwargs)
    with call.lifetime():
        yield call.record_item


def _wrap_create_stream(create_stream: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(create_stream)
    def recorded_create_stream(
        self: Any, messages: Any, *args: Any, **kwargs: Any
    ) -> AsyncIterator[Any]:
        chunks: AsyncIterator[Any] = create_stream(self, messages, *args, **kwargs)
        begin = partial(ClientCall.begin, self, "create_stream", messages, kwargs)
        return trace_stream(begin, chunks)

    return recorded_create_stream


@contextmanager
def _record_send(client: Any, request: Any, *args: Any, **kwargs: Any) -> Generator[OnResult]:
    span = OpenSpan.innermost()
    yield span.record_response if isinstance(span, CompletionSpan) else ignore_result


PATCH = Patch(
    name="autogen.completion_spans",
    symptom="streamed completions, and those of clients defined late, leave no LLM span",
    upstream="mlflow.autogen.autolog (mlflow/autogen/__init__.py)",
    versions={"mlflow": ">=3.10,<3.19", "autogen-agentchat": ">=0.7,<0.8"},
    delete_when="autolog() records `create_stream`, and clients that are defined after it",
    canary="tests/patches/autogen/test_completion_spans.py"
    "::test_upstream_autolog_records_a_streamed_completion",
    apply=_apply,
    wraps={
        "autogen_core.models:ChatCompletionClient.create": "self, messages",
        "autogen_core.models:ChatCompletionClient.create_stream": "self, messages",
        "mlflow.autogen:safe_patch": SAFE_PATCH_PARAMETERS,
        **send_methods(),
    },
)
