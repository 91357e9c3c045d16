"""The span of one completion that a CrewAI model requests, from its events."""

from collections import Counter
from typing import Any

from patches.crewai.spans.auxiliary_spans import calling_agent
from patches.crewai.spans.event_span import EventSpan
from patches.crewai.spans.reply_builder import ReplyBuilder
from patches.crewai.spans.tool_span import ToolSpan
from patches.openai.completion_body import CompletionBody
from patches.openai.unread_parts import add_unread_parts
from patches.support.completion_attributes import (
    CLIENT_ATTRIBUTE,
    COMPLETION_SPAN_NAME,
    read_token_counts,
    token_attributes,
)
from patches.support.open_span import OpenSpan
from patches.support.span_errors import TruncatedStreamError


class CompletionSpan(EventSpan):
    """One completion, in the format of OpenAI's chat completions.

    Source: https://platform.openai.com/docs/api-reference/chat/create

    Attributes:
        call_id: CrewAI's id of the call; None until CrewAI reports the call.
        executed_calls: The tool calls of the reply that CrewAI executes within the call.
    """

    records_completion = True

    def __init__(self, model: Any, event: Any) -> None:
        super().__init__(model, event, COMPLETION_SPAN_NAME, "LLM")
        self.call_id: str | None = None
        self.reply = ReplyBuilder()
        self.executed_calls: list[ToolSpan] = []
        self._token_counts: Counter[str] = Counter()
        self.record_start(event)

    def record_start(self, event: Any) -> None:
        from mlflow.tracing.constant import SpanAttributeKey

        agent = calling_agent()
        attributes = {
            SpanAttributeKey.MESSAGE_FORMAT: "openai",
            SpanAttributeKey.MODEL: event.model,
            SpanAttributeKey.MODEL_PROVIDER: getattr(self.owner, "provider", None),
            "gen_ai.operation.name": "chat" if self.is_reported else None,
            "gen_ai.request.model": event.model,
            "gen_ai.request.temperature": event.temperature,
            "gen_ai.request.max_tokens": event.max_tokens,
            "gen_ai.agent.name": agent.name if agent is not None else None,
            CLIENT_ATTRIBUTE: f"{type(self.owner).__name__}.call",
        }
        tools = {"tools": event.tools} if event.tools else {}
        self.call_id = event.call_id
        self.records_completion = self.is_reported
        self.span.set_inputs({"messages": _request_messages(event.messages)} | tools)
        self.span.set_attributes(
            {key: value for key, value in attributes.items() if value is not None}
        )

    def add_child(self, child: OpenSpan) -> None:
        """Keep a tool call that CrewAI executes within the call; see who records the completion.

        A class that emits no events may call another model, or send a request that is recorded.
        Then the completion is left to the span inside.
        """
        super().add_child(child)
        if isinstance(child, ToolSpan) and child.owner is self.owner:
            self.executed_calls.append(child)
        if child.records_completion and not self.is_reported:
            self.span.set_span_type("CHAIN")

    def is_ended_by(self, start_type: str, source: Any, event: Any) -> bool:
        return (
            super().is_ended_by(start_type, source, event)
            and self.call_id == event.call_id
            and not self._is_tool_report(event)
        )

    def record_item(self, item: Any) -> None:
        """Record a chunk of a stream; `item` is the chunk's event."""
        if not (self.reply.chunks or self.reply.tool_calls):
            self.record_first_chunk()
        self.reply.add_chunk(item)

    def record_response(self, response: Any) -> None:
        """Observe the body of the reply, before the client reads it."""
        if response.is_success and not self.is_ended:
            is_stream = bool(getattr(self.owner, "stream", False))
            self.reply.body = CompletionBody(
                response, is_stream_requested=is_stream, reads_events=is_stream
            )

    def record_end(self, event: Any) -> BaseException | None:
        error = super().record_end(event)
        if error is None:
            self.record_reply(event.response, event.finish_reason)
            if not self._token_counts:
                self.add_usage(event.usage)
            if self.is_reply_cut and self.reply.finish_reason is None:
                return TruncatedStreamError("the stream ended before the reply was complete")
        return error

    def record_reply(self, response: Any, finish_reason: str | None = None) -> None:
        """Record a reply as far as it was not seen; `response` is the result of the call."""
        if not self.reply.tool_calls:
            calls = [call.to_request() for call in self.executed_calls]
            self.reply.tool_calls = dict(enumerate(calls))
        self.outputs = self.reply.to_completion(response, finish_reason)

    def add_usage(self, usage: Any) -> None:
        """Add the tokens of a reply to those of earlier replies to the same call."""
        self._token_counts.update(read_token_counts(usage))
        self.span.set_attributes(token_attributes(self._token_counts))

    def end(self, error: BaseException | None = None) -> None:
        if not self.is_ended:
            if self.span.span_type == "LLM":  # no span inside has recorded the completion
                self.span.set_attribute("gen_ai.operation.name", "chat")
            if self.outputs is None:
                self.outputs = self.reply.partial_completion()
            if self.reply.body is not None:
                self._record_body(self.reply.body)
                if self.is_reported:
                    error = self.reply.body.record_failure(self.span, error)
            if self.reply.finish_reason:
                reasons = [self.reply.finish_reason]
                self.span.set_attribute("gen_ai.response.finish_reasons", reasons)
        super().end(error)

    def _record_body(self, body: CompletionBody) -> None:
        """Record what only the body of the response has: CrewAI keeps a part of the reply."""
        sent = body.parse()
        self.outputs = add_unread_parts(self.outputs or sent.outputs, sent)
        if self.reply.finish_reason is None:
            self.reply.finish_reason = next(iter(sent.finish_reasons), None)
        if not self._token_counts:
            self._token_counts.update(sent.usage)
            self.span.set_attributes(token_attributes(self._token_counts))

    def _is_tool_report(self, event: Any) -> bool:
        """Return whether an end event reports on a tool, not on the completion.

        If CrewAI executes the reply's tool call itself, it reports the tool's result as the
        completion's response, and the tool's error as the completion's.
        """
        if not self.executed_calls:
            return False
        if event.type == "llm_call_failed":
            return self.executed_calls[-1].has_failed or not self.executed_calls[-1].is_ended
        return bool(event.call_type.value == "tool_call")


def _request_messages(messages: Any) -> list[dict[str, Any]]:
    """Return the messages without CrewAI's cache marker, which is not sent."""
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    return [
        {key: value for key, value in message.items() if key != "cache_breakpoint"}
        for message in messages or ()
    ]
