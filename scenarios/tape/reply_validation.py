"""A wording: what the reply of a scripted line may say: a chat's, an embedding's, a service's."""

from collections.abc import Mapping
from typing import Any

from scenarios.tape.json_checks import (
    LineError,
    json_type_name,
    reject_unknown_keys,
    require_types,
    suggest_nearest,
)
from scenarios.tape.placeholders import placeholder_names
from scenarios.tape.request import CHAT_PATH, EMBEDDINGS_PATH, RESPONSES_PATH

RECORDED_KEYS = ("digest", "request", "response", "recorded")
CHAT_KEYS = ("content", "tool_calls", "finish_reason", "usage", "reasoning_content", "refusal")
REPLY_KEYS = {
    CHAT_PATH: CHAT_KEYS,
    RESPONSES_PATH: CHAT_KEYS,
    EMBEDDINGS_PATH: ("embeddings", "usage"),
}
SERVICE_KEYS = ("status", "json", "text")
TOOL_CALL_KEYS = ("name", "arguments", "id")
FLOAT32_MAX = 3.4e38
"""Vectors travel as 32-bit floats when a client asks for base64."""
USAGE_KEYS = ("prompt_tokens", "completion_tokens")


def validate_scripted_line(line: Mapping[str, Any]) -> None:
    if stray := [key for key in RECORDED_KEYS if key in line]:
        raise LineError(f'a scripted line has a "reply", no {stray[0]!r}')
    reply = line.get("reply")
    if not isinstance(reply, dict):
        raise LineError('a scripted line has a "reply", an object')
    path = line.get("path", CHAT_PATH)
    reject_unknown_keys(reply, REPLY_KEYS.get(path, SERVICE_KEYS), "key of reply")
    checks = {
        CHAT_PATH: _validate_chat_reply,
        RESPONSES_PATH: _validate_chat_reply,
        EMBEDDINGS_PATH: _validate_embeddings_reply,
    }
    checks.get(path, _validate_service_reply)(reply)
    groups = line["when"].groups if "when" in line else ()
    if path not in REPLY_KEYS:
        return  # a service's reply may use the inputs of the run: inputs.py
    for name in placeholder_names([path, reply]):
        if name not in groups:
            offered = f"it captures {', '.join(groups)}" if groups else "it captures nothing"
            raise LineError(
                f'the reply uses ${{{name}}}, which "when" does not capture; {offered}'
                + suggest_nearest(name, groups)
                + " (write $${ for a dollar and a brace; an input is for the lines of a service)"
            )


def _validate_chat_reply(reply: Mapping[str, Any]) -> None:
    if not any(reply.get(key) is not None for key in ("content", "tool_calls", "refusal")):
        raise LineError('the reply says nothing: give "content", "tool_calls" or "refusal"')
    if not isinstance(reply.get("content"), str | dict | None):
        raise LineError(
            f'"content" is a string, null or an object, this is {json_type_name(reply["content"])}'
        )
    require_types(reply, dict.fromkeys(("finish_reason", "reasoning_content", "refusal"), str))
    _validate_usage(reply)
    calls = reply.get("tool_calls", [])
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise LineError('"tool_calls" is a list of objects')
    for call in calls:
        reject_unknown_keys(call, TOOL_CALL_KEYS, "key of a tool call")
        require_types(call, {"name": str, "id": str})
        if not call.get("name"):
            raise LineError('a tool call has a "name"')
        if not isinstance(call.get("arguments", {}), str | dict):
            raise LineError('"arguments" is an object, or a string for malformed ones')


def _validate_embeddings_reply(reply: Mapping[str, Any]) -> None:
    vectors = reply.get("embeddings")
    if not isinstance(vectors, list) or not vectors or not all(map(_is_vector, vectors)):
        raise LineError('"embeddings" is a list of vectors, each a list of numbers')
    _validate_usage(reply)


def _validate_service_reply(reply: Mapping[str, Any]) -> None:
    validate_status(reply)
    if ("json" in reply) == ("text" in reply):
        raise LineError('the reply of a service has "json" or "text"')
    require_types(reply, {"text": str})


def validate_status(reply: Mapping[str, Any]) -> None:
    status = reply.get("status", 200)
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise LineError(f'"status" is an HTTP status from 200 to 599, this is {status!r}')


def _validate_usage(reply: Mapping[str, Any]) -> None:
    require_types(reply, {"usage": dict})
    usage = reply.get("usage", {})
    reject_unknown_keys(usage, USAGE_KEYS, "key of usage")
    for key, tokens in usage.items():
        if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0:
            raise LineError(f"{key!r} is a number of tokens, this is {tokens!r}")


def _is_vector(vector: Any) -> bool:
    return isinstance(vector, list) and all(
        isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= FLOAT32_MAX
        for x in vector
    )
