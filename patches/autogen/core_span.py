"""The spans of autogen-core: a runtime at work on a message, and an agent that handles one."""

from typing import Any

from patches.autogen.chat_format import to_json
from patches.support.open_span import OpenSpan


class RuntimeSpan(OpenSpan):
    """The span of a runtime at work on a message from outside.

    Attributes:
        unhandled_messages: How many messages that it led to are not handled yet.
        unhandled_error: The error of an agent that no agent handles.
    """

    def __init__(self, runtime: Any, message: Any) -> None:
        super().__init__(
            runtime,
            type(runtime).__name__,
            "CHAIN",
            inputs={"message": to_json(message)},
            attributes={"gen_ai.operation.name": "invoke_workflow"},
        )
        self.unhandled_messages = 0
        self.unhandled_error: BaseException | None = None

    def end(self, error: BaseException | None = None) -> None:
        super().end(error or self.unhandled_error)


class CoreAgentSpan(OpenSpan):
    """The span of an agent that handles a message."""

    def __init__(self, agent: Any, message: Any) -> None:
        super().__init__(
            agent,
            agent.id.type,
            "AGENT",
            inputs={"message": to_json(message)},
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": agent.id.type,
                "gen_ai.agent.id": str(agent.id),
            },
        )

    def record_item(self, item: Any) -> None:
        """Record the response."""
        self.outputs = to_json(item)
