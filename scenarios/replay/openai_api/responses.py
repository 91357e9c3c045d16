"""A response: what the model says to one request, as OpenAI's Responses API spells it.

Source: https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from scenarios.replay.openai_api.chat_completion import ModelReply, ToolCall
from scenarios.replay.openai_api.responses_events import stream_events

INCOMPLETE_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a response is incomplete, by the finish reason of a chat that is."""


@dataclass(frozen=True)
class ResponsesReply:
    """A reply as a response: one item for its reasoning, one for its message, one a tool call."""

    reply: ModelReply

    def to_body(self) -> bytes:
        """The response as one body."""
        return orjson.dumps(self._body(self._incomplete_reason, self._output_items()))

    def to_frames(self, _: bool = True) -> list[bytes]:
        """The response as server-sent events. The last one has all of it, usage included."""
        begun = self._body(None, [])
        whole = self._body(self._incomplete_reason, self._output_items())
        return [
            b"event: %b\ndata: %b\n\n"
            % (kind.encode(), orjson.dumps({"type": kind, "sequence_number": at} | said))
            for at, (kind, said) in enumerate(stream_events(begun, whole))
        ]

    @property
    def _incomplete_reason(self) -> str:
        return INCOMPLETE_REASONS.get(self.reply.finish_reason, "")

    def _output_items(self) -> list[dict[str, Any]]:
        reply, items = self.reply, list[dict[str, Any]]()
        if reply.reasoning_content is not None:
            summary = [{"type": "summary_text", "text": reply.reasoning_content}]
            items.append({"type": "reasoning", "id": f"rs_{reply.id}", "summary": summary})
        if parts := _content_parts(reply):
            said = {"id": f"msg_{reply.id}", "role": "assistant", "content": parts}
            items.append({"type": "message", "status": "completed"} | said)
        return [*items, *map(_function_call_item, reply.tool_calls)]

    def _body(self, reason: str | None, output: list[dict[str, Any]]) -> dict[str, Any]:
        """`reason` is why it is incomplete, empty if it is not; None while it is in progress."""
        reply, done = self.reply, "incomplete" if reason else "completed"
        return {
            "id": reply.id,
            "object": "response",
            "created_at": 0,
            "status": "in_progress" if reason is None else done,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": None,
            "metadata": {},
            "model": reply.model,
            "output": output,
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": None if reason is None else _usage(reply),
        }


def parse_response(body: Any) -> ModelReply | None:
    """The reply that a recorded response holds; None if it is none."""
    try:
        spent, items = body.get("usage") or {}, body["output"]
        said = _parts_of(items, "message", "content")
        thought = _parts_of(items, "reasoning", "summary")
        why = (body.get("incomplete_details") or {}).get("reason")
        calls = tuple(
            ToolCall(item["call_id"], item["name"], item["arguments"])
            for item in items
            if item["type"] == "function_call"
        )
        reasons = {reason: finish for finish, reason in INCOMPLETE_REASONS.items()}
        return ModelReply(
            id=body["id"],
            model=body["model"],
            content=_join_parts(said, "text"),
            tool_calls=calls,
            finish_reason=reasons.get(why or "") or ("tool_calls" if calls else "stop"),
            input_tokens=spent.get("input_tokens", 0),
            output_tokens=spent.get("output_tokens", 0),
            reasoning_content=_join_parts(thought, "text"),
            refusal=_join_parts(said, "refusal"),
        )
    except (KeyError, TypeError, AttributeError):
        return None


def _parts_of(items: list[Any], kind: str, key: str) -> list[Mapping[str, str]]:
    return [part for item in items if item["type"] == kind for part in item[key]]


def _join_parts(parts: list[Mapping[str, str]], key: str) -> str | None:
    said = [part[key] for part in parts if key in part]
    return "".join(said) if said else None


def _content_parts(reply: ModelReply) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if reply.content is not None:
        parts.append({"type": "output_text", "text": reply.content, "annotations": []})
    if reply.refusal is not None:
        parts.append({"type": "refusal", "refusal": reply.refusal})
    return parts


def _function_call_item(call: ToolCall) -> dict[str, Any]:
    asked = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
    return {"type": "function_call", "id": f"fc_{call.id}", "status": "completed"} | asked


def _usage(reply: ModelReply) -> dict[str, Any]:
    return {
        "input_tokens": reply.input_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": reply.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": reply.input_tokens + reply.output_tokens,
    }
