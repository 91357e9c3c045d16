"""The span of a tool call of a CrewAI agent; a delegation to a coworker is one too."""

import json
import re
from typing import Any

from patches.crewai.spans.crew_spans import AgentSpan
from patches.crewai.spans.event_span import EventSpan, ReportedFailureError, to_json
from patches.support.tool_calls import parse_arguments

DELEGATION_ARGUMENTS = {"delegate_work_to_coworker": "task", "ask_question_to_coworker": "question"}
"""The tools with which an agent delegates, and the argument that holds the request."""


class ToolSpan(EventSpan):
    """One tool call.

    Attributes:
        delegator: The agent that makes the call.
        delegated_turns: The coworkers' turns that the call leads to, if it is a delegation.
        has_failed: Whether it has ended with an error.
    """

    output_field = "output"

    def __init__(self, source: Any, event: Any) -> None:
        agent = AgentSpan.nearest()
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": event.tool_name,
            "gen_ai.agent.name": agent.name if agent is not None else None,
        }
        self.arguments = to_json(parse_arguments(event.tool_args))
        super().__init__(source, event, event.tool_name, "TOOL", self.arguments, attributes)
        self.delegator = agent
        self.delegated_turns: list[AgentSpan] = []
        self.has_failed = False

    @property
    def delegated_text(self) -> str | None:
        """The request and context that a delegation gives a coworker; None for other tools."""
        argument = DELEGATION_ARGUMENTS.get(normalize_tool_name(self.name))
        if argument is None or not isinstance(self.arguments, dict):
            return None
        parts = (self.arguments.get(argument), self.arguments.get("context"))
        return "\n".join(str(part) for part in parts if part)

    def is_ended_by(self, start_type: str, source: Any, event: Any) -> bool:
        return super().is_ended_by(start_type, source, event) and self.name == event.tool_name

    def record_end(self, event: Any) -> BaseException | None:
        if getattr(event, "from_cache", False):
            self.mark_cached()
        error, failure = super().record_end(event), getattr(event, "failure", None)
        return error if failure is None else ReportedFailureError(failure.message)

    def end(self, error: BaseException | None = None) -> None:
        self.has_failed = self.has_failed or error is not None
        super().end(error)

    def mark_cached(self) -> None:
        """Record that the result was taken from CrewAI's cache."""
        self.span.set_attribute("flight_recorder.crew.tool.from_cache", True)

    def to_request(self) -> dict[str, Any]:
        """Return the tool call in OpenAI's format."""
        function = {"name": self.name, "arguments": json.dumps(self.arguments)}
        return {"type": "function", "function": function}


def normalize_tool_name(name: str) -> str:
    """Return a tool's name in one spelling: an agent is given those of CrewAI in words."""
    return re.sub(r"\W+", "_", name.strip().lower())
