"""Build a completion from the reply of a CrewAI model: its chunks, its body, and its event."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from patches.openai.completion_body import CompletionBody
from patches.support.tool_calls import to_openai_call


@dataclass
class ReplyBuilder:
    """The reply so far.

    Attributes:
        text: The text as the model wrote it, if the reply's body was seen.
        finish_reason: Why the model stopped, once that is known.
        usage: The usage as the endpoint reported it, if the reply's body was seen.
        chunks: The text of a stream so far.
        tool_calls: The tool calls so far, by index.
        body: The body of the response that the reply came with, if the model's class uses HTTP.
    """

    text: str | None = None
    finish_reason: str | None = None
    usage: Any = None
    chunks: list[str] = field(default_factory=list)
    tool_calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    body: CompletionBody | None = None

    def add_chunk(self, chunk: Any) -> None:
        """Add the event of a chunk, which contains a tool call as far as it was received."""
        if chunk.tool_call is None:
            self.chunks.append(chunk.chunk)
        else:
            self.tool_calls[chunk.tool_call.index] = chunk.tool_call.model_dump()

    def record_body(
        self, text: str | None, tool_calls: Iterable[dict[str, Any]], finish_reason: str | None
    ) -> None:
        """Record the body of a reply, which replaces that of an earlier reply to the same call."""
        self.text = text
        self.finish_reason = finish_reason
        self.tool_calls = dict(enumerate(tool_calls))

    def partial_completion(self) -> dict[str, Any] | None:
        """Return what was received of a reply that failed; None if nothing was."""
        text = "".join(self.chunks) if self.text is None else self.text
        return self.to_completion(text, None) if self.tool_calls or text else None

    def to_completion(self, response: Any, finish_reason: str | None) -> dict[str, Any]:
        """Return the reply in OpenAI's format: the model's own text, and its tool calls.

        Args:
            response: CrewAI's result. It is used if no text and no tool calls were seen: if CrewAI
                executes a tool call itself, the result is the tool's.
            finish_reason: Why the model stopped, if CrewAI reports it.
        """
        text = "".join(self.chunks) if self.text is None else self.text
        calls = to_tool_calls(response) or to_tool_calls(list(self.tool_calls.values()))
        message: dict[str, Any] = {"role": "assistant", "content": text or response}
        if calls:
            message |= {"content": text or None, "tool_calls": calls}
        elif not isinstance(message["content"], str):
            message["content"] = json.dumps(_to_plain(response), default=str)
        self.finish_reason = finish_reason or self.finish_reason
        choice = {"index": 0, "finish_reason": self.finish_reason, "message": message}
        return {"choices": [choice]}


def to_tool_calls(response: Any) -> list[dict[str, Any]]:
    """Return tool calls in OpenAI's format; [] if the response is anything else."""
    calls = [_to_plain(call) for call in response] if isinstance(response, list) else []
    if not all(isinstance(call, dict) for call in calls):
        return []
    return [_to_tool_call(call) for call in calls]


def _to_tool_call(call: dict[str, Any]) -> dict[str, Any]:
    """Convert one tool call; those of the Responses API are flatter."""
    if "function" in call or "name" not in call:
        return call
    return to_openai_call(call["name"], call.get("arguments"), call.get("id"))


def _to_plain(value: Any) -> Any:
    return value.model_dump() if hasattr(value, "model_dump") else value
