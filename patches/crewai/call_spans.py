"""The spans of calls in CrewAI: a completion of a model, and a tool at work on one call."""

import json
from collections import Counter
from time import monotonic
from typing import Any

from patches.crewai.auxiliary_spans import calling_agent
from patches.crewai.crew_spans import AgentSpan
from patches.crewai.event_span import EventSpan, ReportedFailureError, to_json
from patches.crewai.reply import ReplyBuilder
from patches.crewai.token_usage import token_counts

DELEGATION_ARGUMENTS = {"delegate_work_to_coworker": "task", "ask_question_to_coworker": "question"}
"""The tools by which an agent calls on another, with the argument that says what it wants."""


class CompletionSpan(EventSpan):
    """One completion, in the shape of OpenAI's chat completions.

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
        }
        tools = {"tools": event.tools} if event.tools else {}
        inputs = {"messages": _request_messages(event.messages)} | tools
        name = f"{type(model).__name__}.call"
        super().__init__(model, event, name, "LLM", inputs, attributes)
        self.call_id: str = event.call_id
        self._started = monotonic()
        self.reply = ReplyBuilder()
        self._token_counts: Counter[str] = Counter()

    def is_ended_by(self, start_type: str, source: Any, event: Any) -> bool:
        return super().is_ended_by(start_type, source, event) and self.call_id == event.call_id

    def record_item(self, item: Any) -> None:
        """Keep what has come of a stream; `item` is the event of a chunk."""
        if not (self.reply.chunks or self.reply.tool_calls):
            waited = monotonic() - self._started
            self.span.set_attribute("gen_ai.response.time_to_first_chunk", round(waited, 6))
        self.reply.add_chunk(item)

    def record_end(self, event: Any) -> BaseException | None:
        error = super().record_end(event)
        if error is None:
            self.record_reply(event.response, event.finish_reason, event.usage)
        return error

    def record_reply(self, response: Any, finish_reason: str | None, usage: Any) -> None:
        """Keep a reply, and what it took, by the names of its provider."""
        self.outputs = self.reply.to_completion(response, finish_reason)
        self._add_usage(usage or {})
        if finish_reason:
            self.span.set_attribute("gen_ai.response.finish_reasons", [finish_reason])

    def end(self, error: BaseException | None = None) -> None:
        if not self.is_ended and self.outputs is None:
            self.outputs = self.reply.partial_completion()
        super().end(error)

    def _add_usage(self, usage: dict[str, Any]) -> None:
        """Add the tokens of a reply to those of replies before it that were of no use."""
        from mlflow.tracing.constant import SpanAttributeKey, TokenUsageKey

        self._token_counts.update(token_counts(usage))
        if self._token_counts:
            given, said = TokenUsageKey.INPUT_TOKENS, TokenUsageKey.OUTPUT_TOKENS
            self.span.set_attribute(SpanAttributeKey.CHAT_USAGE, dict(self._token_counts))
            self.span.set_attribute("gen_ai.usage.input_tokens", self._token_counts[given])
            self.span.set_attribute("gen_ai.usage.output_tokens", self._token_counts[said])


class ToolSpan(EventSpan):
    """A tool at work on one call; of a delegation, with the turns that it led to."""

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
        """Those of the coworkers whom this call asked."""

    @property
    def delegated_text(self) -> str | None:
        """What a delegation tells a coworker, work and context; None for any other tool."""
        argument = DELEGATION_ARGUMENTS.get(self.name.strip().lower().replace(" ", "_"))
        if argument is None or not isinstance(self.arguments, dict):
            return None
        told = (self.arguments.get(argument), self.arguments.get("context"))
        return "\n".join(str(part) for part in told if part)

    def is_ended_by(self, start_type: str, source: Any, event: Any) -> bool:
        return super().is_ended_by(start_type, source, event) and self.name == event.tool_name

    def record_end(self, event: Any) -> BaseException | None:
        self.outputs = to_json(getattr(event, "output", None))
        if getattr(event, "from_cache", False):
            self.span.set_attribute("flight_recorder.crew.tool.from_cache", True)
        failure = getattr(event, "failure", None)
        return (
            ReportedFailureError(failure.message)
            if failure is not None
            else super().record_end(event)
        )


def _request_messages(messages: Any) -> list[dict[str, Any]]:
    """The messages without CrewAI's own mark of where a cache may begin, which is not sent."""
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    return [
        {key: value for key, value in message.items() if key != "cache_breakpoint"}
        for message in messages or ()
    ]


def _parse_arguments(given: Any) -> Any:
    """The arguments as the model wrote them: parsed where they are JSON, else the text."""
    if not isinstance(given, str):
        return to_json(given)
    try:
        return json.loads(given)
    except ValueError:
        return {"arguments": given}
