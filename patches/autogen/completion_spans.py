"""Record an LLM span for each completion of each AutoGen client, streamed or not.

MLflow records `create` of the client classes that exist when `autolog()` is called, and never
`create_stream`, so a team that streams leaves no LLM spans. MLflow's own spans are suspended, so
that both kinds look alike; its own helpers convert the content.
"""

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from functools import partial, wraps
from time import monotonic
from typing import Any

from patches.autogen.turn_spans import TurnSpan
from patches.patch import Patch
from patches.support.call_wrapping import OnResult, ignore_result, wrap_async_call
from patches.support.completion_names import CLIENT_ATTRIBUTE, COMPLETION_SPAN_NAME
from patches.support.open_span import OpenSpan, trace_stream
from patches.support.span_errors import TruncatedStreamError
from patches.support.subclass_wrapping import wrap_in_all_subclasses
from patches.support.suspend_autolog import suspend_autolog_of_methods


class CompletionSpan(OpenSpan):
    """The span of one completion."""

    _has_inner_completion: bool = False
    """Whether the client called another client, as a cache does."""

    def __init__(self, client: Any, method: str, messages: Any, arguments: dict[str, Any]) -> None:
        import mlflow.autogen
        from mlflow.tracing.constant import SpanAttributeKey

        options = {k: v for k, v in arguments.items() if v and k != "cancellation_token"}
        convert = mlflow.autogen._convert_value_to_dict
        inputs = {key: convert(value) for key, value in ({"messages": messages} | options).items()}
        model = _model_name(client)
        attributes = {
            SpanAttributeKey.MESSAGE_FORMAT: _message_format(inputs["messages"]),
            SpanAttributeKey.MODEL: model,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
            CLIENT_ATTRIBUTE: f"{type(client).__name__}.{method}",
        }
        if (turn := TurnSpan.nearest()) is not None:
            attributes["gen_ai.agent.name"] = turn.name
        if (outer := CompletionSpan.nearest()) is not None:
            outer._has_inner_completion = True
        super().__init__(
            client,
            COMPLETION_SPAN_NAME,
            "LLM",
            inputs=inputs,
            attributes={key: value for key, value in attributes.items() if value is not None},
        )
        if tools := arguments.get("tools"):
            mlflow.autogen.log_tools(self.span, tools)
        self._started_s = monotonic()
        self._chunks: list[str] = []
        self._is_stream = method == "create_stream"
        self._result: Any = None

    def record_item(self, item: Any) -> None:
        """Record a chunk of text, or the final result."""
        if isinstance(item, str):
            if not self._chunks:
                waited_s = round(monotonic() - self._started_s, 6)
                self.span.set_attribute("gen_ai.response.time_to_first_chunk", waited_s)
            self._chunks.append(item)
        else:
            self._result = item
            self.is_complete = True

    def end(self, error: BaseException | None = None) -> None:
        if self.is_ended:
            return
        if (result := self._result or self._partial_result()) is not None:
            with self.active():  # the conversion changes the active span
                self._record_result(result)
        super().end(error or self._truncation_error())

    def _partial_result(self) -> Any:
        """Return the text of a stream that broke off, as a result without usage."""
        from autogen_core.models import CreateResult, RequestUsage

        if not self._chunks:
            return None
        usage = RequestUsage(prompt_tokens=0, completion_tokens=0)
        text = "".join(self._chunks)
        return CreateResult(finish_reason="unknown", content=text, usage=usage, cached=False)

    def _record_result(self, result: Any) -> None:
        import mlflow.autogen
        from mlflow.tracing.constant import SpanAttributeKey

        self.outputs = mlflow.autogen._convert_value_to_dict(result)
        # No tokens for a cache hit, which was counted before, nor for a cache miss, which is
        # counted on the span of the inner client.
        if result is not self._result or result.cached or self._has_inner_completion:
            return
        if usage := mlflow.autogen._parse_usage(result):
            self.span.set_attribute(SpanAttributeKey.CHAT_USAGE, usage)
            self.span.set_attribute("gen_ai.usage.input_tokens", result.usage.prompt_tokens)
            self.span.set_attribute("gen_ai.usage.output_tokens", result.usage.completion_tokens)
        self.span.set_attribute("gen_ai.response.finish_reasons", [result.finish_reason])

    def _truncation_error(self) -> TruncatedStreamError | None:
        """Return the error of a stream that ended too early.

        AutoGen accepts a stream without a finish reason as complete, with the finish reason
        "unknown". It also reports "unknown" if usage comes in the same chunk as the finish reason;
        such a stream is complete.
        """
        result = self._result
        if not self._is_stream or result is None or result.finish_reason != "unknown":
            return None
        if result.usage.completion_tokens:
            return None
        received_chars = len("".join(self._chunks))
        return TruncatedStreamError(
            f"the stream ended after {received_chars} characters without a finish reason: the"
            " connection was closed in the middle of the answer"
        )


@contextmanager
def _apply() -> Generator[None]:
    import mlflow.autogen
    from autogen_core.models import ChatCompletionClient

    def is_suspended(cls: type, method: str) -> bool:
        return method == "create"

    with (
        suspend_autolog_of_methods(mlflow.autogen.FLAVOR_NAME, mlflow.autogen, is_suspended),
        wrap_in_all_subclasses(
            ChatCompletionClient, "create", partial(wrap_async_call, _record_create)
        ),
        wrap_in_all_subclasses(ChatCompletionClient, "create_stream", _wrap_create_stream),
    ):
        yield


@contextmanager
def _record_create(client: Any, messages: Any, *args: Any, **kwargs: Any) -> Generator[OnResult]:
    if CompletionSpan.is_open_for(client):
        yield ignore_result
        return
    span = CompletionSpan(client, "create", messages, kwargs)
    with span.lifetime():
        yield span.record_item


def _wrap_create_stream(create_stream: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(create_stream)
    def recorded_create_stream(
        self: Any, messages: Any, *args: Any, **kwargs: Any
    ) -> AsyncIterator[Any]:
        chunks: AsyncIterator[Any] = create_stream(self, messages, *args, **kwargs)
        if CompletionSpan.is_open_for(self):
            return chunks
        open_span = partial(CompletionSpan, self, "create_stream", messages, kwargs)
        return trace_stream(open_span, chunks)

    return recorded_create_stream


def _message_format(messages: Any) -> str:
    """Return the format of converted messages: "openai" if `chat_format` is applied."""
    return "openai" if messages and "role" in messages[0] else "autogen"


def _model_name(client: Any) -> str | None:
    """Return the client's model, which OpenAI-compatible clients keep in their arguments."""
    model = getattr(client, "model", None) or getattr(client, "_create_args", {}).get("model")
    return model if isinstance(model, str) else None


PATCH = Patch(
    name="autogen.completion_spans",
    symptom="streamed completions, and those of clients defined late, leave no LLM span",
    upstream="mlflow.autogen.autolog (mlflow/autogen/__init__.py)",
    versions={"mlflow": ">=3.10,<3.19", "autogen-agentchat": ">=0.7,<0.8"},
    delete_when="autolog() records `create_stream`, and clients that are defined after it",
    canary="tests/patches/autogen/test_completion_spans.py"
    "::test_upstream_autolog_records_a_streamed_completion",
    apply=_apply,
)
