"""A wording: what the reply of a scripted line may say: a chat's, an embedding's, a service's."""

from collections.abc import Mapping
from typing import Any

from scenarios.tape.json_checks import LineError, kind, nearest, only, typed
from scenarios.tape.placeholders import captures_used
from scenarios.tape.request import CHAT, EMBEDDINGS, RESPONSES

RECORDED_KEYS = ("digest", "request", "response", "recorded")
CHAT_KEYS = ("content", "tool_calls", "finish_reason", "usage", "reasoning_content", "refusal")
REPLY_KEYS = {CHAT: CHAT_KEYS, RESPONSES: CHAT_KEYS, EMBEDDINGS: ("embeddings", "usage")}
SERVICE_KEYS = ("status", "json", "text")
CALL_KEYS = ("name", "arguments", "id")
FLOAT32_MAX = 3.4e38
"""Vectors travel as 32-bit floats when a client asks for base64."""
USAGE_KEYS = ("prompt_tokens", "completion_tokens")


def check_scripted(spelt: Mapping[str, Any]) -> None:
    if stray := [key for key in RECORDED_KEYS if key in spelt]:
        raise LineError(f'a scripted line has a "reply", no {stray[0]!r}')
    reply = spelt.get("reply")
    if not isinstance(reply, dict):
        raise LineError('a scripted line has a "reply", an object')
    path = spelt.get("path", CHAT)
    only(reply, REPLY_KEYS.get(path, SERVICE_KEYS), "key of reply")
    checks = {CHAT: _check_chat, RESPONSES: _check_chat, EMBEDDINGS: _check_embeddings}
    checks.get(path, _check_service)(reply)
    groups = spelt["when"].groups if "when" in spelt else ()
    if path not in REPLY_KEYS:
        return  # a service's reply may use the inputs of the run: inputs.py
    for name in captures_used([path, reply]):
        if name not in groups:
            offered = f"it captures {', '.join(groups)}" if groups else "it captures nothing"
            raise LineError(
                f'the reply uses ${{{name}}}, which "when" does not capture; {offered}'
                + nearest(name, groups)
                + " (write $${ for a dollar and a brace; an input is for the lines of a service)"
            )


def _check_chat(reply: Mapping[str, Any]) -> None:
    if not any(reply.get(key) is not None for key in ("content", "tool_calls", "refusal")):
        raise LineError('the reply says nothing: give "content", "tool_calls" or "refusal"')
    if not isinstance(reply.get("content"), str | dict | None):
        raise LineError(
            f'"content" is a string, null or an object, this is {kind(reply["content"])}'
        )
    typed(reply, dict.fromkeys(("finish_reason", "reasoning_content", "refusal"), str))
    _check_usage(reply)
    calls = reply.get("tool_calls", [])
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise LineError('"tool_calls" is a list of objects')
    for call in calls:
        only(call, CALL_KEYS, "key of a tool call")
        typed(call, {"name": str, "id": str})
        if not call.get("name"):
            raise LineError('a tool call has a "name"')
        if not isinstance(call.get("arguments", {}), str | dict):
            raise LineError('"arguments" is an object, or a string for malformed ones')


def _check_embeddings(reply: Mapping[str, Any]) -> None:
    vectors = reply.get("embeddings")
    if not isinstance(vectors, list) or not vectors or not all(map(_is_vector, vectors)):
        raise LineError('"embeddings" is a list of vectors, each a list of numbers')
    _check_usage(reply)


def _check_service(reply: Mapping[str, Any]) -> None:
    check_status(reply)
    if ("json" in reply) == ("text" in reply):
        raise LineError('the reply of a service has "json" or "text"')
    typed(reply, {"text": str})


def check_status(reply: Mapping[str, Any]) -> None:
    status = reply.get("status", 200)
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise LineError(f'"status" is an HTTP status from 200 to 599, this is {status!r}')


def _check_usage(reply: Mapping[str, Any]) -> None:
    typed(reply, {"usage": dict})
    usage = reply.get("usage", {})
    only(usage, USAGE_KEYS, "key of usage")
    for key, tokens in usage.items():
        if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0:
            raise LineError(f"{key!r} is a number of tokens, this is {tokens!r}")


def _is_vector(vector: Any) -> bool:
    return isinstance(vector, list) and all(
        isinstance(x, int | float) and not isinstance(x, bool) and abs(x) <= FLOAT32_MAX
        for x in vector
    )
