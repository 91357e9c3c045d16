"""Validate one line of a tape: required keys, types, and the shape of its reply or response."""

import re
from collections.abc import Mapping
from typing import Any

from scenarios.tape.condition import Condition, compile_condition
from scenarios.tape.json_checks import LineError, json_type_name, reject_unknown_keys, require_types
from scenarios.tape.placeholders import placeholder_names
from scenarios.tape.requests.request import CHAT_PATH, EMBEDDINGS_PATH, RESPONSES_PATH
from scenarios.tape.similarity import suggest_nearest

LINE_KEYS = ("lane", "origin", "path", "method", "when", "reply", "note")
RECORDED_KEYS = ("digest", "request", "response", "recorded")
CHAT_KEYS = ("content", "tool_calls", "finish_reason", "usage", "reasoning_content", "refusal")
REPLY_KEYS = {
    CHAT_PATH: CHAT_KEYS,
    RESPONSES_PATH: CHAT_KEYS,
    EMBEDDINGS_PATH: ("embeddings", "usage"),
}
SERVICE_KEYS = ("status", "json", "text")
TOOL_CALL_KEYS = ("name", "arguments", "id")
USAGE_KEYS = ("prompt_tokens", "completion_tokens")
FLOAT32_MAX = 3.4e38
"""Vectors are sent as 32-bit floats if a client asks for base64."""

RESPONSE_KEYS = ("status", "body", "text", "content_type", "frames")
CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:; ?[\w-]+=[\w.+-]+)*", re.ASCII)


def validate_line(line: Any) -> dict[str, Any]:
    """Return the fields of a line, its `when` compiled. Raises `LineError` for the first fault."""
    if not isinstance(line, dict):
        raise LineError(f"a line must be a JSON object, not {json_type_name(line)}")
    reject_unknown_keys(line, LINE_KEYS + RECORDED_KEYS, "key")
    require_types(line, dict.fromkeys(("lane", "origin", "path", "method", "when", "note"), str))
    if not line.get("lane"):
        raise LineError('"lane" is missing: the agent or service that sends the request')
    if not line.get("path", CHAT_PATH).startswith("/"):
        raise LineError(f'"path" must begin with "/", not {line["path"]!r}')
    fields = dict(line)
    if "when" in line:
        fields["when"] = _compile_when(line["when"])
    if "method" in line:
        fields["method"] = line["method"].upper()
    if line.get("origin") == "scripted":
        _validate_scripted_line(fields)
    elif line.get("origin") == "recorded":
        _validate_recorded_line(fields)
    else:
        raise LineError('"origin" must be "scripted" or "recorded"')
    return fields


def _compile_when(when: str) -> Condition:
    try:
        return compile_condition(when)
    except ValueError as error:
        raise LineError(f'"when" is not a regular expression: {error}: {when!r}') from error


def _validate_recorded_line(line: Mapping[str, Any]) -> None:
    if "reply" in line:
        raise LineError('a recorded line has a "response", not a "reply"')
    missing = [key for key in ("request", "response") if key not in line]
    if missing:
        raise LineError(f"a recorded line needs {', '.join(map(repr, missing))}")
    require_types(line, {"digest": str, "response": dict, "recorded": dict})
    digest = line.get("digest")
    if digest is not None and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise LineError(f'"digest" must be "sha256:" and 64 hex digits, not {digest!r}')
    _validate_times(line.get("recorded", {}))
    response = line["response"]
    reject_unknown_keys(response, RESPONSE_KEYS, "key of response")
    _validate_status(response)
    if sum(key in response for key in ("body", "text", "frames")) != 1:
        raise LineError('"response" must have exactly one of "body", "text", "frames"')
    frames = response.get("frames", [])
    if not isinstance(frames, list) or not all(isinstance(frame, str) for frame in frames):
        raise LineError('"frames" must be a list of strings, raw server-sent events')
    require_types(response, {"text": str, "content_type": str})
    if "content_type" in response and "text" not in response:
        raise LineError('"content_type" is for a response with a "text"')
    if not CONTENT_TYPE.fullmatch(response.get("content_type", "text/plain")):
        raise LineError(
            f'"content_type" must be e.g. "text/html", not {response["content_type"]!r}'
        )


def _validate_times(recorded: Mapping[str, Any]) -> None:
    frames_ms = recorded.get("frames_ms", [])
    if not isinstance(frames_ms, list):
        raise LineError(f"'frames_ms' must be a list of times, not {json_type_name(frames_ms)}")
    for time_ms in (recorded.get("start_ms", 0), recorded.get("ms", 0), *frames_ms):
        if isinstance(time_ms, bool) or not isinstance(time_ms, int | float) or time_ms < 0:
            raise LineError(f'a time of "recorded" must be in milliseconds, not {time_ms!r}')


def _validate_scripted_line(line: Mapping[str, Any]) -> None:
    if recorded_keys := [key for key in RECORDED_KEYS if key in line]:
        raise LineError(f'a scripted line has a "reply", not a {recorded_keys[0]!r}')
    reply = line.get("reply")
    if not isinstance(reply, dict):
        raise LineError('a scripted line needs a "reply", an object')
    path = line.get("path", CHAT_PATH)
    reject_unknown_keys(reply, REPLY_KEYS.get(path, SERVICE_KEYS), "key of reply")
    if path == EMBEDDINGS_PATH:
        _validate_embeddings_reply(reply)
    elif path in REPLY_KEYS:
        _validate_chat_reply(reply)
    else:
        _validate_service_reply(reply)
    if path in REPLY_KEYS:  # a service's reply may also use inputs, which are not known yet
        _validate_placeholders([path, reply], line["when"].groups if "when" in line else ())


def _validate_placeholders(value: Any, groups: tuple[str, ...]) -> None:
    for name in placeholder_names(value):
        if name not in groups:
            captures = f"it captures {', '.join(groups)}" if groups else "it captures nothing"
            raise LineError(
                f'the reply uses ${{{name}}}, which "when" does not capture; {captures}'
                + suggest_nearest(name, groups)
                + " (write $${ for a literal ${; only lines of services can use inputs)"
            )


def _validate_chat_reply(reply: Mapping[str, Any]) -> None:
    if not any(reply.get(key) is not None for key in ("content", "tool_calls", "refusal")):
        raise LineError('the reply is empty: give "content", "tool_calls" or "refusal"')
    if not isinstance(reply.get("content"), str | dict | None):
        found = json_type_name(reply["content"])
        raise LineError(f'"content" must be a string, null or an object, not {found}')
    require_types(reply, dict.fromkeys(("finish_reason", "reasoning_content", "refusal"), str))
    _validate_usage(reply)
    calls = reply.get("tool_calls", [])
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise LineError('"tool_calls" must be a list of objects')
    for call in calls:
        reject_unknown_keys(call, TOOL_CALL_KEYS, "key of a tool call")
        require_types(call, {"name": str, "id": str})
        if not call.get("name"):
            raise LineError('a tool call needs a "name"')
        if not isinstance(call.get("arguments", {}), str | dict):
            raise LineError('"arguments" must be an object, or a string for malformed arguments')


def _validate_embeddings_reply(reply: Mapping[str, Any]) -> None:
    vectors = reply.get("embeddings")
    if not isinstance(vectors, list) or not vectors or not all(map(_is_vector, vectors)):
        raise LineError('"embeddings" must be a list of vectors, each a list of numbers')
    _validate_usage(reply)


def _validate_service_reply(reply: Mapping[str, Any]) -> None:
    _validate_status(reply)
    if ("json" in reply) == ("text" in reply):
        raise LineError('the reply of a service must have either "json" or "text"')
    require_types(reply, {"text": str})


def _validate_status(reply: Mapping[str, Any]) -> None:
    status = reply.get("status", 200)
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise LineError(f'"status" must be an HTTP status from 200 to 599, not {status!r}')


def _validate_usage(reply: Mapping[str, Any]) -> None:
    require_types(reply, {"usage": dict})
    usage = reply.get("usage", {})
    reject_unknown_keys(usage, USAGE_KEYS, "key of usage")
    for key, tokens in usage.items():
        if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0:
            raise LineError(f"{key!r} must be a number of tokens, not {tokens!r}")


def _is_vector(vector: Any) -> bool:
    return isinstance(vector, list) and all(
        isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= FLOAT32_MAX
        for x in vector
    )
