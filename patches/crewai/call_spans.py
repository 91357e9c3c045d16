"""Spans for CrewAI's calls: completions of a model and tool calls."""

import json
from collections import Counter
from time import monotonic
from typing import Any

from patches.crewai.auxiliary_spans import calling_agent
from patches.crewai.crew_spans import AgentSpan
from patches.crewai.event_span import EventSpan, ReportedFailureError, to_json
from patches.crewai.reply_builder import ReplyBuilder, token_counts
from patches.support.completion_names import CLIENT_ATTRIBUTE, COMPLETION_SPAN_NAME

DELEGATION_ARGUMENTS = {
    "delegate_work_to_coworker": "task",
    "ask_question_to_coworker": "question",
}
"""The tools with which an agent delegates, and the argument that holds the request."""


class CompletionSpan(EventSpan):
    """One completion, in the format of OpenAI's chat completions.

    Source: https://platform.openai.com/docs/api-reference/chat/create
    """

    def __init__(self, model: Any, event: Any) -> None:
        from mlflow.tracing.constant import SpanAttributeKey

        agent = calling_agent()
        attributes = {
            SpanAttributeKey.MESSAGE_FORMAT: "openai",
            SpanAttributeKey.MODEL: event.model,
            SpanAttributeKey.MODEL_PROVIDER: getattr(model, "provider", None),
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": event.model,
            "gen_ai.request.temperature": event.temperature,
            "gen_ai.request.max_tokens": event.max_tokens,
            "gen_ai.agent.name": agent.name if agent is not None else None,
            CLIENT_ATTRIBUTE: f"{type(model).__name__}.call",
        }
        tools = {"tools": event.tools} if event.tools else {}
        inputs = {"messages": _request_messages(event.messages)} | tools
        super().__init__(model, event, COMPLETION_SPAN_NAME, "LLM", inputs, attributes)
        self.call_id: str = event.call_id
        self.reply = ReplyBuilder()
        self._started_s = monotonic()
        self._token_counts: Counter[str] = Counter()

    def is_ended_by(self, start_type: str, source: Any, event: Any) -> bool:
        return super().is_ended_by(start_type, source, event) and self.call_id == event.call_id

    def record_item(self, item: Any) -> None:
        """Record a chunk of a stream; `item` is the chunk's event."""
        if not (self.reply.chunks or self.reply.tool_calls):
            waited_s = round(monotonic() - self._started_s, 6)
            self.span.set_attribute("gen_ai.response.time_to_first_chunk", waited_s)
        self.reply.add_chunk(item)

    def record_end(self, event: Any) -> BaseException | None:
        error = super().record_end(event)
        if error is None:
            self.record_reply(event.response, event.finish_reason, event.usage)
        return error

    def record_reply(self, response: Any, finish_reason: str | None, usage: Any) -> None:
        """Record a reply and its token usage, whose names depend on the provider."""
        self.outputs = self.reply.to_completion(response, finish_reason)
        self._add_usage(usage or {})
        if finish_reason:
            self.span.set_attribute("gen_ai.response.finish_reasons", [finish_reason])

    def end(self, error: BaseException | None = None) -> None:
        if not self.is_ended and self.outputs is None:
            self.outputs = self.reply.partial_completion()
        super().end(error)

    def _add_usage(self, usage: dict[str, Any]) -> None:
        """Add the tokens of a reply to those of earlier, unusable replies to the same call."""
        from mlflow.tracing.constant import SpanAttributeKey, TokenUsageKey

        self._token_counts.update(token_counts(usage))
        counts = self._token_counts
        if counts:
            input_tokens = counts[TokenUsageKey.INPUT_TOKENS]
            output_tokens = counts[TokenUsageKey.OUTPUT_TOKENS]
            self.span.set_attribute(SpanAttributeKey.CHAT_USAGE, dict(counts))
            self.span.set_attribute("gen_ai.usage.input_tokens", input_tokens)
            self.span.set_attribute("gen_ai.usage.output_tokens", output_tokens)


class ToolSpan(EventSpan):
    """One tool call.

    Attributes:
        arguments: The call's arguments.
        delegator: The agent that makes the call.
        delegated_turns: The coworkers' turns that the call leads to, if it is a delegation.
    """

    def __init__(self, source: Any, event: Any) -> None:
        agent = AgentSpan.nearest()
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": event.tool_name,
            "gen_ai.agent.name": agent.name if agent is not None else None,
        }
        self.arguments = _parse_arguments(event.tool_args)
        super().__init__(source, event, event.tool_name, "TOOL", self.arguments, attributes)
        self.delegator = agent
        self.delegated_turns: list[AgentSpan] = []

    @property
    def delegated_text(self) -> str | None:
        """The request and context that a delegation gives a coworker; None for other tools."""
        argument = DELEGATION_ARGUMENTS.get(self.name.strip().lower().replace(" ", "_"))
        if argument is None or not isinstance(self.arguments, dict):
            return None
        parts = (self.arguments.get(argument), self.arguments.get("context"))
        return "\n".join(str(part) for part in parts if part)

    def is_ended_by(self, start_type: str, source: Any, event: Any) -> bool:
        return super().is_ended_by(start_type, source, event) and self.name == event.tool_name

    def record_end(self, event: Any) -> BaseException | None:
        self.outputs = to_json(getattr(event, "output", None))
        if getattr(event, "from_cache", False):
            self.span.set_attribute("flight_recorder.crew.tool.from_cache", True)
        failure = getattr(event, "failure", None)
        if failure is not None:
            return ReportedFailureError(failure.message)
        return super().record_end(event)


def _request_messages(messages: Any) -> list[dict[str, Any]]:
    """Return the messages without CrewAI's cache marker, which is not sent."""
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    return [
        {key: value for key, value in message.items() if key != "cache_breakpoint"}
        for message in messages or ()
    ]


def _parse_arguments(arguments: Any) -> Any:
    """Return the arguments that the model wrote: parsed if they are JSON, otherwise as text."""
    if not isinstance(arguments, str):
        return to_json(arguments)
    try:
        return json.loads(arguments)
    except ValueError:
        return {"arguments": arguments}
