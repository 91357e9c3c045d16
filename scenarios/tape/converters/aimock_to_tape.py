"""Convert fixture files of aimock (npm `@copilotkit/aimock`, JSON) to tapes.

A fixture has `match` and `response`; the first one that matches answers, any number of times. A
tape's line is served once, in its lane. Source: the package's documentation and its types.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from scenarios.tape.converters.converted import ConversionError, Converted, Loss
from scenarios.tape.json_checks import LineError
from scenarios.tape.line_validation import validate_line
from scenarios.tape.placeholders import escape_placeholders
from scenarios.tape.requests.request import EMBEDDINGS_PATH

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
    if condition := "".join(_condition_parts(match)):
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
    reply: dict[str, Any] = {"content": escape_placeholders(response.get("content"))}
    if calls := response.get("toolCalls"):
        reply["tool_calls"] = [escape_placeholders(dict(call)) for call in calls]
    if reasoning := response.get("reasoning"):
        reply["reasoning_content"] = escape_placeholders(reasoning)
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


def _condition_parts(match: Mapping[str, Any]) -> Iterator[str]:
    """Conditions in the rendered conversation; none if the fixture matches everything."""
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
