"""A grammar: what a line of a tape may say; what it may not is a `LineError` with its reason."""

import re
from collections.abc import Mapping
from typing import Any

from scenarios.tape.condition import Condition, condition
from scenarios.tape.json_checks import LineError, kind, only, typed
from scenarios.tape.reply_validation import RECORDED_KEYS, check_scripted, check_status
from scenarios.tape.request import CHAT

LINE_KEYS = ("lane", "origin", "path", "method", "when", "reply", "note")


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


def pattern(when: str) -> Condition:
    try:
        return condition(when)
    except ValueError as error:
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
    check_status(response)
    if sum(key in response for key in ("body", "text", "frames")) != 1:
        raise LineError('"response" has one of "body", "text", "frames"')
    frames = response.get("frames", [])
    if not isinstance(frames, list) or not all(isinstance(frame, str) for frame in frames):
        raise LineError('"frames" is a list of strings, raw server-sent events')
    if not isinstance(response.get("text", ""), str):
        raise LineError(f'"text" is a string, this is {kind(response["text"])}')
