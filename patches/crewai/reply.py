"""A reply of CrewAI's model as it comes to be known: from chunks, from its body, from an event."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ReplyBuilder:
    """`text` is as the model wrote it, where its body was seen; `chunks` are what came of it in a
    stream, and `calls` those of tools that have begun to come, by their place."""

    text: str | None = None
    chunks: list[str] = field(default_factory=list)
    tool_calls: dict[int, dict[str, Any]] = field(default_factory=dict)

    def add_chunk(self, chunk: Any) -> None:
        """Keep the event of a chunk: of a call it tells all that has come."""
        if chunk.tool_call is None:
            self.chunks.append(chunk.chunk)
        else:
            self.tool_calls[chunk.tool_call.index] = chunk.tool_call.model_dump()

    def partial_completion(self) -> dict[str, Any] | None:
        """What had come of a stream that broke; None of one that had not begun."""
        calls, text = list(self.tool_calls.values()), "".join(self.chunks)
        return self.to_completion(calls or text, None) if calls or text else None

    def to_completion(self, response: Any, finish_reason: str | None) -> dict[str, Any]:
        """It in the shape of OpenAI's: the model's own text, and the tool calls that it asks for.

        `response` is what CrewAI makes of it, which is all that there is where no text was seen.
        """
        text = "".join(self.chunks) if self.text is None else self.text
        message: dict[str, Any] = {"role": "assistant", "content": text or response}
        if isinstance(response, list) and all(isinstance(one, dict) for one in response):
            message |= {"content": text or None, "tool_calls": response}
        elif not isinstance(message["content"], str):
            message["content"] = json.dumps(response, default=str)
        return {"choices": [{"index": 0, "finish_reason": finish_reason, "message": message}]}
