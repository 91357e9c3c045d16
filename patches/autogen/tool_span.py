"""The span of one tool call of an AutoGen agent."""

import json
from typing import Any

from patches.autogen.chat_format import to_json
from patches.autogen.core_span import CoreAgentSpan
from patches.autogen.turn_spans import TurnSpan
from patches.support.open_span import OpenSpan


class ToolCallError(Exception):
    """Recorded on a tool call whose result, as sent to the model, is an error."""


class ToolSpan(OpenSpan):
    """The span of one tool call.

    Attributes:
        has_run: Whether its tool was run; a tool that runs after that is called by this one.
    """

    def __init__(self, owner: Any, name: str, arguments: Any, call_id: str | None) -> None:
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": call_id,
        }
        if (agent := TurnSpan.nearest() or CoreAgentSpan.nearest()) is not None:
            attributes["gen_ai.agent.name"] = agent.name
        known = {key: value for key, value in attributes.items() if value is not None}
        super().__init__(owner, name, "TOOL", arguments, known)
        self.has_run = False
        self._error: ToolCallError | None = None

    def record_item(self, item: Any) -> None:
        """Record the result, and whether it is an error; `item` is the call and its result."""
        _, result = item
        self.outputs = result.content
        if result.is_error:
            self._error = ToolCallError(result.content)

    def end(self, error: BaseException | None = None) -> None:
        super().end(error or self._error)


class RunSpan(ToolSpan):
    """The span of a tool that an agent runs itself."""

    def record_item(self, item: Any) -> None:
        """Record a result as a workbench passes it to the model; of a stream, it is the last."""
        try:
            self.outputs = self.owner.return_value_as_string(item)
        except Exception:  # a user's tool may raise anything; recording must not fail the call
            self.outputs = to_json(item)


def parse_arguments(text: str) -> Any:
    """Return the arguments that the model wrote: parsed if they are JSON, otherwise as text."""
    try:
        return json.loads(text)
    except ValueError:
        return {"arguments": text}
