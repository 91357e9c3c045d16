"""A grammar: what a line of a tape may say; whatever it may not is a `LineError` with its reason."""

import re
import warnings
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from scenarios.captures import captures_used
from scenarios.request import CHAT, EMBEDDINGS

LINE_KEYS = ("lane", "origin", "path", "method", "when", "reply", "note")
RECORDED_KEYS = ("digest", "request", "response", "recorded")
REPLY_KEYS = {
    CHAT: (
        "content",
        "tool_calls",
        "finish_reason",
        "usage",
        "reasoning_content",
        "refusal",
    ),
    EMBEDDINGS: ("embeddings", "usage"),
}
SERVICE_KEYS = ("status", "json", "text")
CALL_KEYS = ("name", "arguments", "id")
USAGE_KEYS = ("prompt_tokens", "completion_tokens")


class LineError(Exception):
    """Raised when a line of a tape can't be played; says why, not where."""


def checked(spelt: Any) -> dict[str, Any]:
    """The fields of a line, its `when` compiled; LineError at the first that can't stand."""
    if not isinstance(spelt, dict):
        raise LineError(f"a line is a JSON object, this is {kind(spelt)}")
    only(spelt, LINE_KEYS + RECORDED_KEYS, "key")
    typed(spelt, dict.fromkeys(("lane", "origin", "path", "method", "when", "note"), str))
    if not spelt.get("lane"):
        raise LineError('a line names its "lane": the agent or service that asks')
    if not spelt.get("path", CHAT).startswith("/"):
        raise LineError(f'"path" begins with "/", this is {spelt["path"]!r}')
    fields = dict(spelt)
    if "when" in spelt:
        fields["when"] = pattern(spelt["when"])
    if "method" in spelt:
        fields["method"] = spelt["method"].upper()
    if spelt.get("origin") == "scripted":
        check_scripted(fields)
    elif spelt.get("origin") == "recorded":
        check_recorded(fields)
    else:
        raise LineError('a line says its "origin": "scripted" or "recorded"')
    return fields


def pattern(when: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(when, re.MULTILINE)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise LineError(f'"when" is no regular expression: {error}: {when!r}') from error


def check_recorded(spelt: Mapping[str, Any]) -> None:
    if "reply" in spelt:
        raise LineError('a recorded line has a "response", no "reply"')
    missing = [key for key in ("digest", "request", "response") if key not in spelt]
    if missing:
        raise LineError(f"a recorded line lacks {', '.join(map(repr, missing))}")
    typed(spelt, {"digest": str, "response": dict, "recorded": dict})
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", spelt["digest"]):
        raise LineError(f'"digest" is "sha256:" and 64 hex digits, this is {spelt["digest"]!r}')
    response = spelt["response"]
    only(response, ("status", "body", "text", "frames"), "key of response")
    _check_status(response)
    if sum(key in response for key in ("body", "text", "frames")) != 1:
        raise LineError('"response" has one of "body", "text", "frames"')
    frames = response.get("frames", [])
    if not isinstance(frames, list) or not all(isinstance(frame, str) for frame in frames):
        raise LineError('"frames" is a list of strings, raw server-sent events')
    if not isinstance(response.get("text", ""), str):
        raise LineError(f'"text" is a string, this is {kind(response["text"])}')


def check_scripted(spelt: Mapping[str, Any]) -> None:
    if stray := [key for key in RECORDED_KEYS if key in spelt]:
        raise LineError(f'a scripted line has a "reply", no {stray[0]!r}')
    reply = spelt.get("reply")
    if not isinstance(reply, dict):
        raise LineError('a scripted line has a "reply", an object')
    path = spelt.get("path", CHAT)
    only(reply, REPLY_KEYS.get(path, SERVICE_KEYS), "key of reply")
    {CHAT: _check_chat, EMBEDDINGS: _check_embeddings}.get(path, _check_service)(reply)
    groups = spelt["when"].groupindex if "when" in spelt else {}
    for name in captures_used(reply):
        if name not in groups:
            offered = f"it captures {', '.join(groups)}" if groups else "it captures nothing"
            raise LineError(
                f'the reply uses ${{{name}}}, which "when" does not capture; {offered}'
                + _nearest(name, tuple(groups))
                + " (write $${ for a dollar and a brace)"
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
    _check_status(reply)
    if ("json" in reply) == ("text" in reply):
        raise LineError('the reply of a service has "json" or "text"')
    typed(reply, {"text": str})


def _check_status(reply: Mapping[str, Any]) -> None:
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
        isinstance(x, int | float) and not isinstance(x, bool) for x in vector
    )


def only(spelt: Mapping[str, Any], keys: tuple[str, ...], what: str) -> None:
    for key in spelt:
        if key not in keys:
            raise LineError(f"unknown {what} {key!r}{_nearest(key, keys)}")


def typed(spelt: Mapping[str, Any], types: Mapping[str, type]) -> None:
    for key, type_ in types.items():
        if key in spelt and not isinstance(spelt[key], type_):
            expected = "a string" if type_ is str else "an object"
            raise LineError(f"{key!r} is {expected}, this is {kind(spelt[key])}")


def _nearest(word: str, words: tuple[str, ...]) -> str:
    close = get_close_matches(word, words, 1)
    return f"; nearest: {close[0]!r}" if close else f"; known: {', '.join(words)}" if words else ""


def kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")
