"""Events: what a streamed response of OpenAI's Responses API says while it grows, in order.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Iterator, Mapping
from typing import Any

from scenarios.replay.openai_api.chat_completion import STREAM_PIECE

Event = tuple[str, dict[str, Any]]
"""The type of an event, and what it says besides."""


def stream_events(initial: Mapping[str, Any], final: Mapping[str, Any]) -> Iterator[Event]:
    """What leads from a response that has begun to the whole one, item by item."""
    yield "response.created", {"response": initial}
    yield "response.in_progress", {"response": initial}
    for at, item in enumerate(final["output"]):
        empty = _EMPTY_BY_ITEM_TYPE[item["type"]]
        yield "response.output_item.added", {"output_index": at, "item": item | empty}
        yield from _EVENTS_BY_ITEM_TYPE[item["type"]](
            item, {"item_id": item["id"], "output_index": at}
        )
        yield "response.output_item.done", {"output_index": at, "item": item}
    yield f"response.{final['status']}", {"response": final}


def _message_events(item: Mapping[str, Any], where: Mapping[str, Any]) -> Iterator[Event]:
    for at, part in enumerate(item["content"]):
        here = {**where, "content_index": at}
        key = "refusal" if part["type"] == "refusal" else "text"
        kind = "response.refusal" if key == "refusal" else "response.output_text"
        more: dict[str, Any] = {"logprobs": []} if key == "text" else {}
        yield "response.content_part.added", {**here, "part": part | {key: ""}}
        for piece in STREAM_PIECE.findall(part[key]):
            yield f"{kind}.delta", {**here, "delta": piece} | more
        yield f"{kind}.done", {**here, key: part[key]} | more
        yield "response.content_part.done", {**here, "part": part}


def _reasoning_events(item: Mapping[str, Any], where: Mapping[str, Any]) -> Iterator[Event]:
    for at, part in enumerate(item["summary"]):
        here = {**where, "summary_index": at}
        yield "response.reasoning_summary_part.added", {**here, "part": part | {"text": ""}}
        for piece in STREAM_PIECE.findall(part["text"]):
            yield "response.reasoning_summary_text.delta", {**here, "delta": piece}
        yield "response.reasoning_summary_text.done", {**here, "text": part["text"]}
        yield "response.reasoning_summary_part.done", {**here, "part": part}


def _function_call_events(item: Mapping[str, Any], where: Mapping[str, Any]) -> Iterator[Event]:
    arguments = item["arguments"]
    for at in range(0, len(arguments), 12):
        yield "response.function_call_arguments.delta", {**where, "delta": arguments[at : at + 12]}
    told = {"arguments": arguments, "name": item["name"]}
    yield "response.function_call_arguments.done", {**where, **told}


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
