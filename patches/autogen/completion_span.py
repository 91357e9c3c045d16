"""The span of a client at work on one completion: what MLflow's own would say, and more."""

from time import monotonic
from typing import Any

from patches.autogen.turn_spans import TurnSpan
from patches.support.open_span import OpenSpan


class TruncatedStreamError(Exception):
    """Recorded on a completion whose stream ended before the model said that it was done."""


class CompletionSpan(OpenSpan):
    """The span of a client at work on one completion."""

    _delegates: bool = False

    def __init__(self, client: Any, method: str, messages: Any, kwargs: dict[str, Any]) -> None:
        import mlflow.autogen
        from mlflow.tracing.constant import SpanAttributeKey

        given = {k: v for k, v in kwargs.items() if v and k != "cancellation_token"}
        inputs = {"messages": messages} | given
        convert = mlflow.autogen._convert_value_to_dict
        shown = {key: convert(value) for key, value in inputs.items()}
        model = _model_name(client)
        attributes = {
            SpanAttributeKey.MESSAGE_FORMAT: _message_format(shown["messages"]),
            SpanAttributeKey.MODEL: model,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
        }
        if (turn := TurnSpan.nearest()) is not None:
            attributes["gen_ai.agent.name"] = turn.name
        if (asker := CompletionSpan.nearest()) is not None:
            asker._delegates = True
        super().__init__(
            client,
            f"{type(client).__name__}.{method}",
            "LLM",
            inputs=shown,
            attributes={key: value for key, value in attributes.items() if value is not None},
        )
        if tools := kwargs.get("tools"):
            mlflow.autogen.log_tools(self.span, tools)
        self._started = monotonic()
        self._text: list[str] = []
        self._streamed = method == "create_stream"
        self._result: Any = None

    def record_item(self, item: Any) -> None:
        """Keep the text so far, and the result once it is there."""
        if isinstance(item, str):
            if not self._text:
                waited = monotonic() - self._started
                self.span.set_attribute("gen_ai.response.time_to_first_chunk", round(waited, 6))
            self._text.append(item)
        else:
            self._result = item
            self.complete = True

    def end(self, error: BaseException | None = None) -> None:
        if self.is_ended:
            return
        if (result := self._result or self._partial_result()) is not None:
            # The conversion reads which span is the active one.
            with self.active():
                self._set_result(result)
        super().end(error or self._truncation_error())

    def _partial_result(self) -> Any:
        """What had come of a stream that broke, as a result without usage."""
        from autogen_core.models import CreateResult, RequestUsage

        if not self._text:
            return None
        usage = RequestUsage(prompt_tokens=0, completion_tokens=0)
        text = "".join(self._text)
        return CreateResult(finish_reason="unknown", content=text, usage=usage, cached=False)

    def _set_result(self, result: Any) -> None:
        import mlflow.autogen
        from mlflow.tracing.constant import SpanAttributeKey

        self.outputs = mlflow.autogen._convert_value_to_dict(result)
        # A cache's hit was paid for before, and its miss is paid for by the client that it asks.
        if result is not self._result or result.cached or self._delegates:
            return
        if usage := mlflow.autogen._parse_usage(result):
            self.span.set_attribute(SpanAttributeKey.CHAT_USAGE, usage)
            self.span.set_attribute("gen_ai.usage.input_tokens", result.usage.prompt_tokens)
            self.span.set_attribute("gen_ai.usage.output_tokens", result.usage.completion_tokens)
        self.span.set_attribute("gen_ai.response.finish_reasons", [result.finish_reason])

    def _truncation_error(self) -> TruncatedStreamError | None:
        """AutoGen calls a stream without a finish reason "unknown", and takes it for whole.

        It says so too where usage comes along with the finish reason; such a stream is whole.
        """
        result = self._result
        if not self._streamed or result is None or result.finish_reason != "unknown":
            return None
        if result.usage.completion_tokens:
            return None
        seen = len("".join(self._text))
        return TruncatedStreamError(
            f"the stream ended after {seen} characters without a finish reason: the connection was "
            "closed in the middle of the answer"
        )


def _message_format(messages: Any) -> str:
    """The shape that the converted messages have: OpenAI's, where `autogen_chat_format` is on."""
    return "openai" if messages and "role" in messages[0] else "autogen"


def _model_name(client: Any) -> str | None:
    """The model that the client asks for, which OpenAI-like clients keep among their arguments."""
    model = getattr(client, "model", None) or getattr(client, "_create_args", {}).get("model")
    return model if isinstance(model, str) else None
