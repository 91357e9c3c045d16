"""An LLM span for each completion of each AutoGen client, streamed or not.

MLflow records `create` of the classes that exist when `autolog()` is called, and no
`create_stream`: of a team that streams it records nothing. Its own `create` spans are set aside
while these are on, so that both kinds look alike; the content is made by MLflow's own helpers.
"""

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from typing import Any

from patches.autogen.completion_span import CompletionSpan
from patches.autogen.suspend_autolog import suspend_autogen_autolog
from patches.patch import Patch
from patches.support.open_span import trace_stream
from patches.support.subclass_wrapping import wrap_in_subclasses


@contextmanager
def _apply() -> Generator[None]:
    from autogen_core.models import ChatCompletionClient

    with ExitStack() as stack:
        stack.enter_context(suspend_autogen_autolog("create"))
        stack.enter_context(wrap_in_subclasses(ChatCompletionClient, "create", _wrap_create))
        stack.enter_context(
            wrap_in_subclasses(ChatCompletionClient, "create_stream", _wrap_create_stream)
        )
        yield


def _wrap_create(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    async def create(self: Any, messages: Any, *args: Any, **kwargs: Any) -> Any:
        if CompletionSpan.is_open_for(self):
            return await original(self, messages, *args, **kwargs)
        span = CompletionSpan(self, "create", messages, kwargs)
        with span.lifetime():
            result = await original(self, messages, *args, **kwargs)
            span.record_item(result)
        return result

    return create


def _wrap_create_stream(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def create_stream(self: Any, messages: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        chunks: AsyncIterator[Any] = original(self, messages, *args, **kwargs)
        if CompletionSpan.is_open_for(self):
            return chunks
        return trace_stream(
            partial(CompletionSpan, self, "create_stream", messages, kwargs), chunks
        )

    return create_stream


PATCH = Patch(
    name="autogen_completions",
    symptom="streamed completions, and those of clients defined late, leave no LLM span",
    upstream="mlflow.autogen.autolog (mlflow/autogen/__init__.py)",
    versions={"mlflow": ">=3.10", "autogen-agentchat": ">=0.7,<0.8"},
    delete_when="autolog() records `create_stream`, and clients that are defined after it",
    canary="tests/patches/autogen/test_completion_spans.py::test_autolog_alone_records_a_streamed_completion",
    apply=_apply,
)
