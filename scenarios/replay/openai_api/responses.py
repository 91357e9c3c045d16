"""A model's reply in the form of OpenAI's Responses API: one body, or a stream of events.

Source: https://platform.openai.com/docs/api-reference/responses and …/responses-streaming
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from scenarios.replay.openai_api.chat_completion import (
    STREAM_PIECE,
    ModelReply,
    ToolCall,
    arguments_pieces,
)

INCOMPLETE_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a response is incomplete, by the finish reason of the equivalent chat."""

Event = tuple[str, dict[str, Any]]
"""An event's type, and its other fields."""


def build_response(reply: ModelReply) -> dict[str, Any]:
    """Return a completed or incomplete response."""
    reason = INCOMPLETE_REASONS.get(reply.finish_reason)
    return {
        "id": reply.id,
        "object": "response",
        "created_at": 0,
        "status": "incomplete" if reason else "completed",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": None,
        "metadata": {},
        "model": reply.model,
        "output": _output_items(reply),
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": reply.input_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": reply.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": reply.input_tokens + reply.output_tokens,
        },
    }


def stream_response(response: Mapping[str, Any]) -> list[bytes]:
    """Return the server-sent events. The last one holds the complete response, with usage."""
    return [
        b"event: %b\ndata: %b\n\n"
        % (kind.encode(), orjson.dumps({"type": kind, "sequence_number": number} | fields))
        for number, (kind, fields) in enumerate(_events(response))
    ]


def parse_response(body: Any) -> ModelReply | None:
    """Return the reply in a recorded body; None if the body is not a response."""
    try:
        usage, items = body.get("usage") or {}, body["output"]
        content = _parts_of(items, "message", "content")
        reasoning = _parts_of(items, "reasoning", "summary")
        incomplete_reason = (body.get("incomplete_details") or {}).get("reason")
        calls = tuple(
            ToolCall(item["call_id"], item["name"], item["arguments"])
            for item in items
            if item["type"] == "function_call"
        )
        finish_reasons = {reason: finish for finish, reason in INCOMPLETE_REASONS.items()}
        finished = "tool_calls" if calls else "stop"
        return ModelReply(
            id=body["id"],
            model=body["model"],
            content=_join_parts(content, "text"),
            tool_calls=calls,
            finish_reason=finish_reasons.get(incomplete_reason or "") or finished,
            input_tokens=usage.get("input_tokens", 0),
            output_tokens=usage.get("output_tokens", 0),
            reasoning_content=_join_parts(reasoning, "text"),
            refusal=_join_parts(content, "refusal"),
        )
    except (KeyError, TypeError, AttributeError):
        return None


def _parts_of(items: list[Any], item_type: str, key: str) -> list[Mapping[str, str]]:
    return [part for item in items if item["type"] == item_type for part in item.get(key) or ()]


def _join_parts(parts: list[Mapping[str, str]], key: str) -> str | None:
    texts = [part[key] for part in parts if key in part]
    return "".join(texts) if texts else None


def _output_items(reply: ModelReply) -> list[dict[str, Any]]:
    """Return an item for the reasoning, one for the message, and one per tool call."""
    items: list[dict[str, Any]] = []
    if reply.reasoning_content is not None:
        summary = [{"type": "summary_text", "text": reply.reasoning_content}]
        items.append({"type": "reasoning", "id": f"rs_{reply.id}", "summary": summary})
    parts: list[dict[str, Any]] = []
    if reply.content is not None:
        parts.append({"type": "output_text", "text": reply.content, "annotations": []})
    if reply.refusal is not None:
        parts.append({"type": "refusal", "refusal": reply.refusal})
    if parts:
        message = {"id": f"msg_{reply.id}", "role": "assistant", "content": parts}
        items.append({"type": "message", "status": "completed"} | message)
    for call in reply.tool_calls:
        function = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
        item = {"type": "function_call", "id": f"fc_{call.id}", "status": "completed"}
        items.append(item | function)
    return items


def _events(response: Mapping[str, Any]) -> Iterator[Event]:
    unfinished: dict[str, Any] = {
        "status": "in_progress",
        "incomplete_details": None,
        "output": [],
        "usage": None,
    }
    initial = {**response, **unfinished}
    yield "response.created", {"response": initial}
    yield "response.in_progress", {"response": initial}
    for index, item in enumerate(response["output"]):
        empty = _EMPTY_BY_ITEM_TYPE.get(item["type"], {})
        yield "response.output_item.added", {"output_index": index, "item": item | empty}
        position = {"item_id": item.get("id"), "output_index": index}
        # An item of another type, such as a call of a built-in tool, comes whole.
        if item["type"] in _EVENTS_BY_ITEM_TYPE:
            yield from _EVENTS_BY_ITEM_TYPE[item["type"]](item, position)
        yield "response.output_item.done", {"output_index": index, "item": item}
    yield f"response.{response.get('status', 'completed')}", {"response": response}


def _message_events(item: Mapping[str, Any], position: Mapping[str, Any]) -> Iterator[Event]:
    for index, part in enumerate(item["content"]):
        part_position = {**position, "content_index": index}
        key = "refusal" if part["type"] == "refusal" else "text"
        kind = "response.refusal" if key == "refusal" else "response.output_text"
        more: dict[str, Any] = {"logprobs": []} if key == "text" else {}
        empty: dict[str, Any] = {name: [] for name in ("annotations", "logprobs") if name in part}
        yield "response.content_part.added", {**part_position, "part": part | {key: ""} | empty}
        for piece in STREAM_PIECE.findall(part[key]):
            yield f"{kind}.delta", {**part_position, "delta": piece} | more
        for number, annotation in enumerate(part.get("annotations") or ()):
            added = {"annotation_index": number, "annotation": annotation}
            yield "response.output_text.annotation.added", {**part_position, **added}
        if part.get("logprobs"):
            more = {"logprobs": part["logprobs"]}
        yield f"{kind}.done", {**part_position, key: part[key]} | more
        yield "response.content_part.done", {**part_position, "part": part}


def _reasoning_events(item: Mapping[str, Any], position: Mapping[str, Any]) -> Iterator[Event]:
    event = "response.reasoning_summary"
    for index, part in enumerate(item.get("summary") or ()):
        part_position = {**position, "summary_index": index}
        yield f"{event}_part.added", {**part_position, "part": part | {"text": ""}}
        for piece in STREAM_PIECE.findall(part["text"]):
            yield f"{event}_text.delta", {**part_position, "delta": piece}
        yield f"{event}_text.done", {**part_position, "text": part["text"]}
        yield f"{event}_part.done", {**part_position, "part": part}


def _function_call_events(item: Mapping[str, Any], position: Mapping[str, Any]) -> Iterator[Event]:
    for piece in arguments_pieces(item["arguments"]):
        yield "response.function_call_arguments.delta", {**position, "delta": piece}
    function = {"arguments": item["arguments"], "name": item["name"]}
    yield "response.function_call_arguments.done", {**position, **function}


_EVENTS_BY_ITEM_TYPE = {
    "message": _message_events,
    "reasoning": _reasoning_events,
    "function_call": _function_call_events,
}
_EMPTY_BY_ITEM_TYPE: dict[str, dict[str, Any]] = {
    "message": {"status": "in_progress", "content": []},
    "reasoning": {"summary": []},
    "function_call": {"status": "in_progress", "arguments": ""},
}
