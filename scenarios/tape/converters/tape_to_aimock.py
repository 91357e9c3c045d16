"""Convert tapes to fixture files of aimock (npm `@copilotkit/aimock`, JSON).

A fixture has `match` and `response`. Source: the package's documentation and its types.
"""

from collections import Counter
from typing import Any

import orjson

from scenarios.replay.openai_api.chat_completion import (
    ModelReply,
    parse_chat_completion,
    parse_tool_call,
)
from scenarios.replay.openai_api.responses import parse_response
from scenarios.replay.openai_api.stream_assembly import assemble_stream
from scenarios.tape.converters.converted import Converted, Loss
from scenarios.tape.line import TapeLine
from scenarios.tape.placeholders import placeholder_names
from scenarios.tape.requests.conversation import content_text, system_prompt, to_chat_request
from scenarios.tape.requests.request import COMPLETION_PATHS, RESPONSES_PATH, to_sorted_json
from scenarios.tape.tape import Tape


def from_tape(tape: Tape) -> Converted:
    """Convert a tape: each line of a completion or of embeddings becomes a fixture."""
    losses, seen = list[Loss](), Counter[str]()
    fixtures = []
    for line in tape.lines:
        found = list[str]()
        fixture = _to_fixture(line, found)
        losses += [Loss(line.location, text) for text in found]
        if fixture is None:
            continue
        key = to_sorted_json(fixture["match"])
        # The same match again: aimock counts how often it was asked.
        fixture["match"]["sequenceIndex"] = seen[key]
        seen[key] += 1
        fixtures.append(fixture)
    if len(tape.lanes) > 1 and fixtures:
        text = "fixtures have no lanes: an agent is told from another by its system prompt alone"
        losses.append(Loss("all lines", text))
    content = orjson.dumps({"fixtures": fixtures}, option=orjson.OPT_INDENT_2)
    return Converted(content.decode() + "\n", len(fixtures), tuple(losses))


def _to_fixture(line: TapeLine, losses: list[str]) -> dict[str, Any] | None:
    if line.path not in COMPLETION_PATHS:
        losses.append(f"{line.method} {line.path} has no counterpart; it was left out")
        return None
    if names := sorted(set(placeholder_names(line.reply))):
        losses.append(f"its reply uses ${{{names[0]}}}, which aimock cannot fill; it was left out")
        return None
    reply = _reply_of(line)
    if reply is None:
        losses.append("its recorded answer is not a completion; it was left out")
        return None
    if line.when is not None:
        losses.append("its condition (`when`) is not carried over: the fixture matches any message")
    if line.response is not None and "frames" in line.response:
        losses.append("its stream frames are not carried over: aimock cuts the stream itself")
    return {"match": _to_match(line), "response": _to_response(reply)}


def _reply_of(line: TapeLine) -> ModelReply | None:
    if line.response is None:
        reply = line.reply or {}
        content, usage = reply.get("content"), reply.get("usage") or {}
        text = to_sorted_json(content) if isinstance(content, dict) else content
        calls = (parse_tool_call(call, "") for call in reply.get("tool_calls") or ())
        return ModelReply(
            "",
            "",
            text.replace("$${", "${") if text else text,
            tuple(calls),
            reply.get("finish_reason") or "",
            usage.get("prompt_tokens", 0),
            usage.get("completion_tokens", 0),
            reply.get("reasoning_content"),
        )
    frames = line.response.get("frames")
    body = line.response.get("body") if frames is None else assemble_stream(frames)
    return parse_response(body) if line.path == RESPONSES_PATH else parse_chat_completion(body)


def _to_match(line: TapeLine) -> dict[str, Any]:
    if not isinstance(line.request, dict):
        return {"endpoint": "chat"}
    chat = to_chat_request(line.request)
    messages = [one for one in chat.get("messages") or () if isinstance(one, dict)]
    match: dict[str, Any] = {"endpoint": "chat"}
    users = [content_text(one.get("content")) for one in messages if one.get("role") == "user"]
    if users and users[-1]:
        match["userMessage"] = users[-1]
    if prompt := system_prompt(chat):
        match["systemMessage"] = prompt
    if messages and messages[-1].get("role") == "tool":
        match["toolResultContains"] = content_text(messages[-1].get("content"))
    elif users:
        match["hasToolResult"] = False
    return match


def _to_response(reply: ModelReply) -> dict[str, Any]:
    response: dict[str, Any] = {}
    if reply.content is not None or not reply.tool_calls:
        response["content"] = reply.content or ""
    if reply.tool_calls:
        response["toolCalls"] = [
            {"name": call.name, "arguments": call.arguments} | ({"id": call.id} if call.id else {})
            for call in reply.tool_calls
        ]
    if reply.reasoning_content:
        response["reasoning"] = reply.reasoning_content
    if reply.finish_reason:
        response["finishReason"] = reply.finish_reason
    if reply.input_tokens or reply.output_tokens:
        response["usage"] = {
            "prompt_tokens": reply.input_tokens,
            "completion_tokens": reply.output_tokens,
        }
    return response
