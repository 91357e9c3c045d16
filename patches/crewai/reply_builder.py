"""Build a completion from the reply of a CrewAI model: from chunks, from its body, from an event.

Also converts token usage, which each of CrewAI's providers names differently.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ReplyBuilder:
    """The reply so far.

    Attributes:
        text: The text as the model wrote it, if the reply's body was seen.
        chunks: The text of a stream so far.
        tool_calls: The tool calls of a stream so far, by index.
    """

    text: str | None = None
    chunks: list[str] = field(default_factory=list)
    tool_calls: dict[int, dict[str, Any]] = field(default_factory=dict)

    def add_chunk(self, chunk: Any) -> None:
        """Add the event of a chunk, which contains a tool call as far as it was received."""
        if chunk.tool_call is None:
            self.chunks.append(chunk.chunk)
        else:
            self.tool_calls[chunk.tool_call.index] = chunk.tool_call.model_dump()

    def partial_completion(self) -> dict[str, Any] | None:
        """Return what was received of a stream that broke off; None if nothing was."""
        tool_calls, text = list(self.tool_calls.values()), "".join(self.chunks)
        return self.to_completion(tool_calls or text, None) if tool_calls or text else None

    def to_completion(self, response: Any, finish_reason: str | None) -> dict[str, Any]:
        """Return the reply in OpenAI's format: the model's own text, and its tool calls.

        Args:
            response: CrewAI's result, which is used if no text was seen.
            finish_reason: Why the model stopped.
        """
        text = "".join(self.chunks) if self.text is None else self.text
        message: dict[str, Any] = {"role": "assistant", "content": text or response}
        if isinstance(response, list) and all(isinstance(call, dict) for call in response):
            message |= {"content": text or None, "tool_calls": response}
        elif not isinstance(message["content"], str):
            message["content"] = json.dumps(response, default=str)
        return {"choices": [{"index": 0, "finish_reason": finish_reason, "message": message}]}


def token_counts(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return token counts under MLflow's names; {} if input or output tokens are missing."""
    from mlflow.tracing.constant import TokenUsageKey

    input_tokens = usage.get("prompt_tokens", usage.get("input_tokens"))
    output_tokens = usage.get("completion_tokens", usage.get("output_tokens"))
    if input_tokens is None or output_tokens is None:
        return {}
    counts = {
        TokenUsageKey.INPUT_TOKENS: input_tokens,
        TokenUsageKey.OUTPUT_TOKENS: output_tokens,
        TokenUsageKey.TOTAL_TOKENS: usage.get("total_tokens", input_tokens + output_tokens),
    }
    if cached := usage.get("cached_prompt_tokens"):
        counts[TokenUsageKey.CACHE_READ_INPUT_TOKENS] = cached
    return counts
