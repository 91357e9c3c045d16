"""Convert fixture files of aimock (npm `@copilotkit/aimock`, JSON) to tapes and back.

A fixture has `match` and `response`; the first one that matches answers, any number of times. A
tape's line is served once, in its lane. Source: the package's documentation and its types.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from scenarios.replay.openai_api.chat_completion import (
    ModelReply,
    parse_chat_completion,
    parse_tool_call,
)
from scenarios.replay.openai_api.responses import parse_response
from scenarios.replay.openai_api.stream_assembly import assemble_stream
from scenarios.tape.converters.converted import ConversionError, Converted, Loss
from scenarios.tape.json_checks import LineError
from scenarios.tape.line import TapeLine
from scenarios.tape.line_validation import validate_line
from scenarios.tape.placeholders import placeholder_names
from scenarios.tape.requests.conversation import content_text, system_prompt, to_chat_request
from scenarios.tape.requests.request import (
    COMPLETION_PATHS,
    EMBEDDINGS_PATH,
    RESPONSES_PATH,
    to_sorted_json,
)
from scenarios.tape.tape import Tape

LANE = "agent"
"""The lane of all lines: fixtures do not name agents."""
LABEL = r"(?: [^\n:]*)?: "
OTHER_TEXT = r"(?:(?!^(?:system|developer|user|assistant|tool)\b)[\s\S])*?"
"""Text within one message."""
MATCHED_KEYS = (
    "userMessage",
    "systemMessage",
    "toolName",
    "toolResultContains",
    "hasToolResult",
    "inputText",
    "endpoint",
    "sequenceIndex",
)
REPLY_KEYS = ("content", "toolCalls", "reasoning", "usage", "finishReason")
IGNORED_KEYS = ("id", "created", "model", "role", "systemFingerprint")
"""Keys of a response that the replay server writes itself."""
LOST_OF_FIXTURE = ("latency", "chunkSize", "truncateAfterChunks", "disconnectAfterMs", "chaos")


def to_tape(document: Any) -> Converted:
    """Convert a fixture file: each fixture becomes a scripted line.

    Raises:
        ConversionError: Its `fixtures` are not a list.
    """
    fixtures = document["fixtures"]
    if not isinstance(fixtures, list):
        raise ConversionError('expected {"fixtures": […]}, as aimock reads it; it is not a list')
    lines, losses = list[dict[str, Any]](), list[Loss]()
    for number, fixture in enumerate(fixtures, 1):
        place = f"fixture {number}"
        found = list[str]()
        try:
            line = _to_line(fixture, found)
            validate_line(line or {"lane": LANE, "origin": "scripted", "reply": {"content": ""}})
        except (AttributeError, KeyError, LineError, TypeError, ValueError) as error:
            line, found = None, [f"not as aimock reads it ({error}); it has no line"]
        losses += [Loss(place, text) for text in found]
        if line is not None:
            lines.append(line)
    if lines:
        text = (
            f'fixtures have no lanes: all lines are in the lane "{LANE}", which answers agents'
            " without a name; a line is served once, so repeat those that are asked again"
        )
        losses.append(Loss("all fixtures", text))
    header = [{"lanes": {LANE: {"when": "[\\s\\S]?"}}}] if lines else []
    content = b"".join(orjson.dumps(line) + b"\n" for line in (*header, *lines))
    return Converted(content.decode(), len(lines), tuple(losses))


def _to_line(fixture: Mapping[str, Any], losses: list[str]) -> dict[str, Any] | None:
    match, response = fixture.get("match") or {}, fixture.get("response") or {}
    reply = _to_reply(response, losses)
    if reply is None:
        return None
    losses += [f"`{key}` has no counterpart" for key in LOST_OF_FIXTURE if key in fixture]
    losses += [f"match.{key} has no counterpart" for key in match if key not in MATCHED_KEYS]
    line: dict[str, Any] = {"lane": LANE, "origin": "scripted"}
    if "embeddings" in reply:
        line["path"] = EMBEDDINGS_PATH
    if condition := _to_condition(match):
        line["when"] = condition
    return line | {"reply": reply}


def _to_reply(response: Mapping[str, Any], losses: list[str]) -> dict[str, Any] | None:
    """The reply of a scripted line; None if there is no counterpart."""
    if "embedding" in response:
        return {"embeddings": [response["embedding"]]}
    if "error" in response:
        status = response.get("status", 500)
        losses.append(f"an error (status {status}) is not a line: replay it with a fault")
        return None
    if not {"content", "toolCalls"} & response.keys():
        losses.append(f"a response with {', '.join(response) or 'nothing'} has no counterpart")
        return None
    losses += [
        f"response.{key} has no counterpart"
        for key in response
        if key not in (*REPLY_KEYS, *IGNORED_KEYS)
    ]
    reply: dict[str, Any] = {"content": _escape(response.get("content"))}
    if calls := response.get("toolCalls"):
        reply["tool_calls"] = [_escape(dict(call)) for call in calls]
    if reasoning := response.get("reasoning"):
        reply["reasoning_content"] = _escape(reasoning)
    if reason := response.get("finishReason"):
        reply["finish_reason"] = reason
    usage = response.get("usage") or {}
    tokens = {
        "prompt_tokens": usage.get("prompt_tokens", usage.get("input_tokens")),
        "completion_tokens": usage.get("completion_tokens", usage.get("output_tokens")),
    }
    if known := {key: count for key, count in tokens.items() if count is not None}:
        reply["usage"] = known
    return reply


def _to_condition(match: Mapping[str, Any]) -> str:
    """The condition in the rendered conversation; empty if the fixture matches everything."""
    return "".join(_condition_parts(match))


def _condition_parts(match: Mapping[str, Any]) -> Iterator[str]:
    system = match.get("systemMessage") or ()
    for text in [system] if isinstance(system, str) else system:
        yield rf"(?=[\s\S]*^(?:system|developer){LABEL}{OTHER_TEXT}{re.escape(text)})"
    if tool := match.get("toolName"):
        yield rf"(?=[\s\S]*^tools: (?:[^\n]*, )?{re.escape(tool)}(?:,|$))"
    if (has_result := match.get("hasToolResult")) is not None:
        after_user = rf"[\s\S]*^user{LABEL}(?:(?!^user{LABEL})[\s\S])*^tool{LABEL}"
        yield f"(?={after_user})" if has_result else f"(?!{after_user})"
    if text := match.get("toolResultContains"):
        yield rf"(?=[\s\S]*^tool{LABEL}{OTHER_TEXT}{re.escape(text)}{OTHER_TEXT}\Z)"
    if text := match.get("userMessage"):
        not_later = rf"(?![\s\S]*^user{LABEL})"
        yield rf"(?=[\s\S]*^user{LABEL}{OTHER_TEXT}{re.escape(text)}{not_later})"
    if text := match.get("inputText"):
        yield re.escape(text)


def _escape(value: Any) -> Any:
    """The value without placeholders of scripted lines."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {key: _escape(inner) for key, inner in value.items()}
    return [_escape(inner) for inner in value] if isinstance(value, list) else value


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
