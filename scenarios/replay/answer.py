"""An answer: the bytes that a line becomes for one request, and what the ledger keeps of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import orjson

from scenarios.replay.line_selector import SelectedLine
from scenarios.replay.openai_api.chat_completion import (
    ModelReply,
    count_tokens,
    parse_chat_completion,
    parse_tool_call,
)
from scenarios.replay.openai_api.embeddings import embeddings_body
from scenarios.replay.openai_api.responses import ResponsesReply, parse_response
from scenarios.replay.openai_api.stream_assembly import assemble_stream
from scenarios.tape.line import TapeLine
from scenarios.tape.placeholders import fill_captures
from scenarios.tape.request import (
    CHAT_PATH,
    COMPLETION_PATHS,
    EMBEDDINGS_PATH,
    RESPONSES_PATH,
    Request,
    to_sorted_json,
)

JSON_CONTENT_TYPE = b"application/json"
TEXT_CONTENT_TYPE = b"text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """`frames` if it is streamed, else `body`; `reply` is the model's message in short.

    `ending` is how many of the last frames say that it is whole.
    """

    body: bytes = b""
    frames: list[bytes] | None = None
    closing_frames: int = 1
    status: int = 200
    content_type: bytes = JSON_CONTENT_TYPE
    reply: dict[str, Any] | None = None
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


def build_answer(request: Request, selected: SelectedLine) -> Answer:
    """What the chosen line says to this request."""
    line = selected.line
    if line.response is not None:
        return _recorded_answer(request, line.response)
    spelt = fill_captures(line.reply, selected.captures)
    if line.path in COMPLETION_PATHS:
        return completion_answer(request, _scripted_reply(request, selected, spelt))
    if line.path == EMBEDDINGS_PATH:
        return _embeddings_answer(request, spelt)
    if "text" in spelt:
        return Answer(
            spelt["text"].encode(), status=spelt.get("status", 200), content_type=TEXT_CONTENT_TYPE
        )
    return Answer(orjson.dumps(spelt["json"]), status=spelt.get("status", 200))


def completion_answer(request: Request, reply: ModelReply) -> Answer:
    """A model's reply, whole or in frames as the request asks, by the API that it asks."""
    summary: dict[str, Any] = {"content": reply.content}
    if reply.tool_calls:
        summary["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in reply.tool_calls
        ]
    of_responses = request.path == RESPONSES_PATH
    spelt = ResponsesReply(reply) if of_responses else reply
    return Answer(
        body=b"" if request.is_streamed else spelt.to_body(),
        frames=spelt.to_frames(request.includes_usage) if request.is_streamed else None,
        closing_frames=1 if of_responses else 3 if request.includes_usage else 2,
        reply=summary,
        tool_calls=len(reply.tool_calls),
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
    )


def _scripted_reply(
    request: Request, selected: SelectedLine, taped_reply: Mapping[str, Any]
) -> ModelReply:
    line = selected.line
    content = taped_reply.get("content")
    text = to_sorted_json(content) if isinstance(content, dict) else content
    stem = "".join(c if c.isalnum() else "_" for c in line.lane)
    calls = tuple(
        parse_tool_call(call, f"call_{stem}_{number}")
        for number, call in enumerate(taped_reply.get("tool_calls", ()), line.first_tool_call)
    )
    counted = taped_reply.get("usage", {})
    asked = (
        to_sorted_json(request.fields[key])
        for key in ("tools", "response_format", "text")
        if key in request.fields
    )
    said = [text, taped_reply.get("reasoning_content"), taped_reply.get("refusal")]
    called = [part for call in calls for part in (call.name, call.arguments)]
    return ModelReply(
        id=_completion_id(request, line),
        model=request.model or "taped",
        content=text,
        tool_calls=calls,
        finish_reason=taped_reply.get("finish_reason") or ("tool_calls" if calls else "stop"),
        input_tokens=_count_unless_given(counted, "prompt_tokens", request.searchable_text, *asked),
        output_tokens=_count_unless_given(counted, "completion_tokens", *said, *called),
        reasoning_content=taped_reply.get("reasoning_content"),
        refusal=taped_reply.get("refusal"),
    )


def _completion_id(request: Request, line: TapeLine) -> str:
    """Its own: what records responses may keep them by their ids, as a conversation refers to them,
    and take one of another tape for this one."""
    if request.path == RESPONSES_PATH:
        return f"resp_{sha256(line.location.encode()).hexdigest()[:24]}"
    return f"chatcmpl-{line.lane}-{line.number}"


def _count_unless_given(counted: Mapping[str, int], key: str, *texts: str | None) -> int:
    return counted[key] if key in counted else count_tokens(*texts)


def _embeddings_answer(request: Request, spelt: Mapping[str, Any]) -> Answer:
    spent = _count_unless_given(spelt.get("usage", {}), "prompt_tokens", request.searchable_text)
    in_base64 = request.fields.get("encoding_format") == "base64"
    body = embeddings_body(
        spelt["embeddings"], request.model or "taped", spent, as_base64=in_base64
    )
    return Answer(body, input_tokens=spent)


def _recorded_answer(request: Request, response: Mapping[str, Any]) -> Answer:
    """A recorded response: raw if it was asked in the same way, else put into the other form."""
    status = response.get("status", 200)
    if "text" in response:
        return Answer(response["text"].encode(), status=status, content_type=TEXT_CONTENT_TYPE)
    frames = response.get("frames")
    body = assemble_stream(frames) if frames is not None else response["body"]
    hear = (
        {CHAT_PATH: parse_chat_completion, RESPONSES_PATH: parse_response}.get(request.path)
        if status == 200
        else None
    )
    reply = hear(body) if hear else None
    if reply is None:
        if frames is None:
            return Answer(orjson.dumps(body), status=status)
        return Answer(frames=_raw_frames(frames), status=status)
    answered = completion_answer(request, reply)
    if request.is_streamed and frames is not None:
        return replace(answered, frames=_raw_frames(frames))
    if not request.is_streamed and frames is None:
        return replace(answered, body=orjson.dumps(body))
    return answered


def _raw_frames(frames: list[str]) -> list[bytes]:
    return [frame.encode() + b"\n\n" for frame in frames]
