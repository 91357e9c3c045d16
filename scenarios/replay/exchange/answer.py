"""Build the answer to a request from its tape line (body or stream), and what the ledger logs.

A scripted line is filled with its captures. A recorded line is sent as recorded, byte by byte, if
the request asks for the same form; otherwise it is converted between a body and a stream.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import orjson

from scenarios.replay.http_server.connection import JSON_CONTENT_TYPE
from scenarios.replay.openai_api.chat_completion import (
    ModelReply,
    build_chat_completion,
    count_tokens,
    parse_chat_completion,
    parse_tool_call,
    stream_chat_completion,
)
from scenarios.replay.openai_api.embeddings_and_models import embeddings_body
from scenarios.replay.openai_api.responses import build_response, parse_response, stream_response
from scenarios.replay.openai_api.stream_assembly import assemble_stream
from scenarios.replay.selection.line_selector import SelectedLine
from scenarios.tape.line import TapeLine
from scenarios.tape.placeholders import fill_captures
from scenarios.tape.requests.request import (
    CHAT_PATH,
    COMPLETION_PATHS,
    EMBEDDINGS_PATH,
    RESPONSES_PATH,
    Request,
    to_sorted_json,
)

TEXT_CONTENT_TYPE = b"text/plain; charset=utf-8"
SSE_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
]


@dataclass(frozen=True)
class Answer:
    """An answer: `frames` if it is streamed, else `body`.

    The last `closing_frames` frames mark the end of the stream. `reply` is the model's message, for
    the ledger.
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
    """Return the answer of the selected line to a request."""
    line = selected.line
    if line.response is not None:
        return _recorded_answer(request, line.response)
    reply = fill_captures(line.reply, selected.captures)
    if line.path in COMPLETION_PATHS:
        scripted = _scripted_reply(request, line, reply)
        build = build_response if request.path == RESPONSES_PATH else build_chat_completion
        return _completion_answer(request, build(scripted), scripted)
    if line.path == EMBEDDINGS_PATH:
        return _embeddings_answer(request, reply)
    status = reply.get("status", 200)
    if "text" in reply:
        return Answer(reply["text"].encode(), status=status, content_type=TEXT_CONTENT_TYPE)
    return Answer(orjson.dumps(reply["json"]), status=status)


def _completion_answer(request: Request, body: Mapping[str, Any], reply: ModelReply) -> Answer:
    """Return a completion in the form (body or stream) that the request asks for.

    `reply` is the model's reply in `body`.
    """
    frames: list[bytes] | None = None
    closing_frames = 1
    if request.is_streamed and request.path == RESPONSES_PATH:
        frames = stream_response(body)
    elif request.is_streamed:
        frames, closing_frames = stream_chat_completion(body, request.includes_usage)
    message: dict[str, Any] = {"content": reply.content}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in reply.tool_calls
        ]
    return Answer(
        body=b"" if request.is_streamed else orjson.dumps(body),
        frames=frames,
        closing_frames=closing_frames,
        reply=message,
        tool_calls=len(reply.tool_calls),
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
    )


def _scripted_reply(request: Request, line: TapeLine, reply: Mapping[str, Any]) -> ModelReply:
    content = reply.get("content")
    text = to_sorted_json(content) if isinstance(content, dict) else content
    id_prefix = "call_" + "".join(c if c.isalnum() else "_" for c in line.lane)
    calls = tuple(
        parse_tool_call(call, f"{id_prefix}_{number}")
        for number, call in enumerate(reply.get("tool_calls", ()), line.first_tool_call)
    )
    usage = reply.get("usage", {})
    request_schemas = [
        to_sorted_json(request.fields[key])
        for key in ("tools", "response_format", "text")
        if key in request.fields
    ]
    reply_texts = [text, reply.get("reasoning_content"), reply.get("refusal")]
    reply_texts += [part for call in calls for part in (call.name, call.arguments)]
    return ModelReply(
        id=_completion_id(request, line),
        model=request.model or "taped",
        content=text,
        tool_calls=calls,
        finish_reason=reply.get("finish_reason") or ("tool_calls" if calls else "stop"),
        input_tokens=_count_unless_given(
            usage, "prompt_tokens", request.searchable_text, *request_schemas
        ),
        output_tokens=_count_unless_given(usage, "completion_tokens", *reply_texts),
        reasoning_content=reply.get("reasoning_content"),
        refusal=reply.get("refusal"),
    )


def _completion_id(request: Request, line: TapeLine) -> str:
    """Return an id of the reply.

    The id of a response is unique across tapes: a recorder may store responses by their ids, since
    conversations refer to them, and must not confuse those of two tapes.
    """
    if request.path == RESPONSES_PATH:
        return f"resp_{sha256(line.location.encode()).hexdigest()[:24]}"
    return f"chatcmpl-{line.lane}-{line.number}"


def _count_unless_given(usage: Mapping[str, int], key: str, *texts: str | None) -> int:
    return usage[key] if key in usage else count_tokens(*texts)


def _embeddings_answer(request: Request, reply: Mapping[str, Any]) -> Answer:
    usage = reply.get("usage", {})
    input_tokens = _count_unless_given(usage, "prompt_tokens", request.searchable_text)
    as_base64 = request.fields.get("encoding_format") == "base64"
    model = request.model or "taped"
    body = embeddings_body(reply["embeddings"], model, input_tokens, as_base64=as_base64)
    return Answer(body, input_tokens=input_tokens)


def _recorded_answer(request: Request, response: Mapping[str, Any]) -> Answer:
    status = response.get("status", 200)
    if "text" in response:
        content_type = response.get("content_type", "text/plain")
        if content_type.startswith("text/") and ";" not in content_type:
            content_type += "; charset=utf-8"  # some clients take Latin-1 for the default
        return Answer(response["text"].encode(), status=status, content_type=content_type.encode())
    frames = response.get("frames")
    body = assemble_stream(frames) if frames is not None else response["body"]
    is_completion = status == 200 and request.path in COMPLETION_PATHS
    if is_completion and request.path == RESPONSES_PATH and "choices" in body:
        # A trace does not tell which of the two APIs was used.
        chat = parse_chat_completion(body)
        body = build_response(chat) if chat is not None else body
    reply = _parse_completion(request.path, body) if is_completion else None
    if reply is not None:
        answer = _completion_answer(request, body, reply)
    elif is_completion and request.is_streamed and frames is None:
        raise ValueError("a stream is requested, and the recorded body is not a completion")
    else:
        answer = Answer(orjson.dumps(body), status=status)
    if frames is not None and (reply is None or request.is_streamed):
        return replace(answer, frames=[frame.encode() + b"\n\n" for frame in frames])
    return answer


def _parse_completion(path: str, body: Any) -> ModelReply | None:
    if path == CHAT_PATH:
        return parse_chat_completion(body)
    return parse_response(body) if path == RESPONSES_PATH else None
