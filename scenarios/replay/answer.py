"""An answer: the bytes that a line becomes for one request, and what the ledger keeps of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import orjson

from scenarios.replay.line_selector import Choice
from scenarios.replay.openai_api.chat_completion import Reply, heard, tokens, tool_call
from scenarios.replay.openai_api.embeddings import embeddings
from scenarios.replay.openai_api.responses import Response, understood
from scenarios.replay.openai_api.stream_assembly import assembled
from scenarios.tape.line import Line
from scenarios.tape.placeholders import filled
from scenarios.tape.request import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES, Request, as_json

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """`frames` if it is streamed, else `body`; `reply` is the model's message in short.

    `ending` is how many of the last frames say that it is whole.
    """

    body: bytes = b""
    frames: list[bytes] | None = None
    ending: int = 1
    status: int = 200
    content_type: bytes = JSON
    reply: dict[str, Any] | None = None
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


def answer(request: Request, choice: Choice) -> Answer:
    """What the chosen line says to this request."""
    line = choice.line
    if line.response is not None:
        return _recorded(request, line.response)
    spelt = filled(line.reply, choice.captures)
    if line.path in COMPLETIONS:
        return spoken(request, _reply(request, choice, spelt))
    if line.path == EMBEDDINGS:
        return _embedded(request, spelt)
    if "text" in spelt:
        return Answer(spelt["text"].encode(), status=spelt.get("status", 200), content_type=TEXT)
    return Answer(orjson.dumps(spelt["json"]), status=spelt.get("status", 200))


def spoken(request: Request, reply: Reply) -> Answer:
    """A model's reply, whole or in frames as the request asks, by the API that it asks."""
    summary: dict[str, Any] = {"content": reply.content}
    if reply.tool_calls:
        summary["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in reply.tool_calls
        ]
    of_responses = request.path == RESPONSES
    spelt = Response(reply) if of_responses else reply
    return Answer(
        body=b"" if request.streamed else spelt.whole(),
        frames=spelt.frames(request.include_usage) if request.streamed else None,
        ending=1 if of_responses else 3 if request.include_usage else 2,
        reply=summary,
        tool_calls=len(reply.tool_calls),
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
    )


def _reply(request: Request, choice: Choice, spelt: Mapping[str, Any]) -> Reply:
    line = choice.line
    content = spelt.get("content")
    text = as_json(content) if isinstance(content, dict) else content
    stem = "".join(c if c.isalnum() else "_" for c in line.lane)
    calls = tuple(
        tool_call(call, f"call_{stem}_{number}")
        for number, call in enumerate(spelt.get("tool_calls", ()), line.first_call)
    )
    counted = spelt.get("usage", {})
    asked = (
        as_json(request.fields[key])
        for key in ("tools", "response_format", "text")
        if key in request.fields
    )
    said = [text, spelt.get("reasoning_content"), spelt.get("refusal")]
    called = [part for call in calls for part in (call.name, call.arguments)]
    return Reply(
        id=_id(request, line),
        model=request.model or "taped",
        content=text,
        tool_calls=calls,
        finish_reason=spelt.get("finish_reason") or ("tool_calls" if calls else "stop"),
        input_tokens=_given(counted, "prompt_tokens", request.text, *asked),
        output_tokens=_given(counted, "completion_tokens", *said, *called),
        reasoning_content=spelt.get("reasoning_content"),
        refusal=spelt.get("refusal"),
    )


def _id(request: Request, line: Line) -> str:
    """Its own: what records responses may keep them by their ids, as a conversation refers to them,
    and take one of another tape for this one."""
    if request.path == RESPONSES:
        return f"resp_{sha256(line.at.encode()).hexdigest()[:24]}"
    return f"chatcmpl-{line.lane}-{line.number}"


def _given(counted: Mapping[str, int], key: str, *texts: str | None) -> int:
    return counted[key] if key in counted else tokens(*texts)


def _embedded(request: Request, spelt: Mapping[str, Any]) -> Answer:
    spent = _given(spelt.get("usage", {}), "prompt_tokens", request.text)
    in_base64 = request.fields.get("encoding_format") == "base64"
    body = embeddings(spelt["embeddings"], request.model or "taped", spent, in_base64=in_base64)
    return Answer(body, input_tokens=spent)


def _recorded(request: Request, response: Mapping[str, Any]) -> Answer:
    """A recorded response: raw if it was asked in the same way, else put into the other form."""
    status = response.get("status", 200)
    if "text" in response:
        return Answer(response["text"].encode(), status=status, content_type=TEXT)
    frames = response.get("frames")
    body = assembled(frames) if frames is not None else response["body"]
    hear = {CHAT: heard, RESPONSES: understood}.get(request.path) if status == 200 else None
    reply = hear(body) if hear else None
    if reply is None:
        if frames is None:
            return Answer(orjson.dumps(body), status=status)
        return Answer(frames=_raw(frames), status=status)
    answered = spoken(request, reply)
    if request.streamed and frames is not None:
        return replace(answered, frames=_raw(frames))
    if not request.streamed and frames is None:
        return replace(answered, body=orjson.dumps(body))
    return answered


def _raw(frames: list[str]) -> list[bytes]:
    return [frame.encode() + b"\n\n" for frame in frames]
