"""The span of one completion of an AutoGen client, streamed or not."""

from collections.abc import Mapping
from typing import Any

from patches.autogen.core_span import CoreAgentSpan
from patches.autogen.turn_spans import TurnSpan
from patches.openai.completion_body import CompletionBody
from patches.openai.reply_parsing import ParsedReply
from patches.openai.unread_parts import add_unread_parts
from patches.support.completion_attributes import (
    ATTEMPTS_ATTRIBUTE,
    CLIENT_ATTRIBUTE,
    COMPLETION_SPAN_NAME,
    read_token_counts,
    token_attributes,
)
from patches.support.open_span import OpenSpan
from patches.support.span_errors import TruncatedStreamError


class CompletionSpan(OpenSpan):
    """The span of one completion, or of a client that requests several completions.

    Clients of AutoGen keep only a part of a reply, and nothing of one that they reject. The body of
    the HTTP response has the rest: cached tokens, whether usage is reported, how a stream ended.
    """

    records_completion = True
    _has_inner_completion: bool = False
    """Whether the client called another client, as a cache does, or itself several times."""

    def __init__(
        self,
        client: Any,
        method: str,
        messages: Any,
        arguments: Mapping[str, Any],
        start_time_ns: int | None = None,
    ) -> None:
        import mlflow.autogen
        from mlflow.tracing.constant import SpanAttributeKey

        options = {k: v for k, v in arguments.items() if v and k != "cancellation_token"}
        convert = mlflow.autogen._convert_value_to_dict
        inputs = {key: convert(value) for key, value in ({"messages": messages} | options).items()}
        model, agent = _model_name(client), TurnSpan.nearest() or CoreAgentSpan.nearest()
        attributes = {
            SpanAttributeKey.MESSAGE_FORMAT: _message_format(inputs["messages"]),
            SpanAttributeKey.MODEL: model,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
            "gen_ai.agent.name": agent.name if agent is not None else None,
            CLIENT_ATTRIBUTE: f"{type(client).__name__}.{method}",
        }
        if (outer := CompletionSpan.nearest()) is not None:
            outer._has_inner_completion = True
        super().__init__(client, COMPLETION_SPAN_NAME, "LLM", inputs, attributes, start_time_ns)
        if tools := arguments.get("tools"):
            mlflow.autogen.log_tools(self.span, tools)
        self._handed_over_to: CompletionSpan | None = None
        self._chunks: list[str] = []
        self._is_stream = method == "create_stream"
        self._result: Any = None
        self._body: CompletionBody | None = None

    def record_response(self, response: Any) -> None:
        """Observe the body of the reply, before the client reads it."""
        if self.is_ended:
            return
        if self._handed_over_to is not None:
            self._handed_over_to.record_response(response)
        elif response.is_success:
            self._body = CompletionBody(
                response, is_stream_requested=self._is_stream, reads_events=self._is_stream
            )

    def record_item(self, item: Any) -> None:
        """Record a chunk of text, or the final result."""
        if isinstance(item, str):
            if not self._chunks:
                self.record_first_chunk()
            self._chunks.append(item)
        else:
            self._result = item
            self.is_complete = True

    def pass_reply_to_inner(self, inner: "CompletionSpan") -> None:
        """Pass the reply on to the span of an inner call; this one shows the calls around it."""
        self.span.set_span_type("CHAIN")
        attempts = self.span.get_attribute(ATTEMPTS_ATTRIBUTE) or 1  # counted on the current span
        inner.span.set_attribute(ATTEMPTS_ATTRIBUTE, attempts)
        inner._body, self._body = self._body, None
        inner._chunks, self._chunks = self._chunks, []
        self._handed_over_to = inner

    def end(self, error: BaseException | None = None) -> None:
        if self.is_ended:
            return
        reply = self._body.parse() if self._body is not None else None
        with self.active():  # the conversion changes the active span
            self._record_outputs(reply, error)
        if not self._has_inner_completion:
            self._record_usage(reply)
        if isinstance(error, GeneratorExit):
            super().end(self.pass_over_early_close(error))
            return
        if self._body is not None:
            error = self._body.record_failure(self.span, error)
        super().end(error or self._stream_error(reply))

    def _record_outputs(self, reply: ParsedReply | None, error: BaseException | None) -> None:
        """Record the client's result; without one, the reply as far as it was received."""
        import mlflow.autogen
        from autogen_core.models import CreateResult, RequestUsage
        from mlflow.tracing.constant import SpanAttributeKey

        result, text = self._result, "".join(self._chunks)
        is_closed = isinstance(error, GeneratorExit)
        if result is None and reply is not None and reply.outputs and not is_closed:
            self.outputs = reply.outputs
            self.span.set_attribute(SpanAttributeKey.MESSAGE_FORMAT, "openai")
            return
        if result is None and text:
            usage = RequestUsage(prompt_tokens=0, completion_tokens=0)
            result = CreateResult(finish_reason="unknown", content=text, usage=usage, cached=False)
        if result is not None:
            converted = mlflow.autogen._convert_value_to_dict(result)
            self.outputs = converted if reply is None else add_unread_parts(converted, reply)

    def _record_usage(self, reply: ParsedReply | None) -> None:
        """Record the tokens that the endpoint reports; AutoGen takes a missing count for zero.

        No tokens for a cache hit, which was counted before, nor for a cache miss, which is counted
        on the span of the inner client.
        """
        result, usage = self._result, reply.usage if reply is not None else {}
        if result is not None and result.cached:
            return
        reasons = list(reply.finish_reasons) if reply is not None else []
        if result is not None:
            is_known = result.finish_reason != "unknown" or not reasons
            reasons = [result.finish_reason] if is_known else reasons
            is_read = reply is not None and reply.outputs is not None
            counted = result.usage.prompt_tokens or result.usage.completion_tokens
            if counted and not usage and not is_read:
                usage = read_token_counts(result.usage)
        self.span.set_attributes(token_attributes(usage))
        if reasons:
            self.span.set_attribute("gen_ai.response.finish_reasons", reasons)

    def _stream_error(self, reply: ParsedReply | None) -> Exception | None:
        """Return the error of a stream that ended too early, which AutoGen takes for complete."""
        if not self._is_stream or reply is None or reply.outputs is None or reply.is_complete:
            return None
        received_chars = len("".join(self._chunks))
        return TruncatedStreamError(
            f"the stream ended after {received_chars} characters without a finish reason: the"
            " connection was closed in the middle of the answer"
        )


def _message_format(messages: Any) -> str:
    """Return the format of converted messages: "openai" if `chat_format` is applied."""
    return "openai" if messages and "role" in messages[0] else "autogen"


def _model_name(client: Any) -> str | None:
    """Return the client's model, which OpenAI-compatible clients keep in their arguments."""
    model = getattr(client, "model", None) or getattr(client, "_create_args", {}).get("model")
    return model if isinstance(model, str) else None
