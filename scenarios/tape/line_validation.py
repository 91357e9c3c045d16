"""A grammar: what a line of a tape may say; what it may not is a `LineError` with its reason."""

import re
from collections.abc import Mapping
from typing import Any

from scenarios.tape.condition import Condition, compile_condition
from scenarios.tape.json_checks import LineError, json_type_name, reject_unknown_keys, require_types
from scenarios.tape.reply_validation import RECORDED_KEYS, validate_scripted_line, validate_status
from scenarios.tape.request import CHAT_PATH

LINE_KEYS = ("lane", "origin", "path", "method", "when", "reply", "note")


def validate_line(line: Any) -> dict[str, Any]:
    """The fields of a line, its `when` compiled; LineError at the first that can't stand."""
    if not isinstance(line, dict):
        raise LineError(f"a line is a JSON object, this is {json_type_name(line)}")
    reject_unknown_keys(line, LINE_KEYS + RECORDED_KEYS, "key")
    require_types(line, dict.fromkeys(("lane", "origin", "path", "method", "when", "note"), str))
    if not line.get("lane"):
        raise LineError('a line names its "lane": the agent or service that asks')
    if not line.get("path", CHAT_PATH).startswith("/"):
        raise LineError(f'"path" begins with "/", this is {line["path"]!r}')
    fields = dict(line)
    if "when" in line:
        fields["when"] = compile_when(line["when"])
    if "method" in line:
        fields["method"] = line["method"].upper()
    if line.get("origin") == "scripted":
        validate_scripted_line(fields)
    elif line.get("origin") == "recorded":
        validate_recorded_line(fields)
    else:
        raise LineError('a line says its "origin": "scripted" or "recorded"')
    return fields


def compile_when(when: str) -> Condition:
    try:
        return compile_condition(when)
    except ValueError as error:
        raise LineError(f'"when" is no regular expression: {error}: {when!r}') from error


def validate_recorded_line(line: Mapping[str, Any]) -> None:
    if "reply" in line:
        raise LineError('a recorded line has a "response", no "reply"')
    missing = [key for key in ("digest", "request", "response") if key not in line]
    if missing:
        raise LineError(f"a recorded line lacks {', '.join(map(repr, missing))}")
    require_types(line, {"digest": str, "response": dict, "recorded": dict})
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", line["digest"]):
        raise LineError(f'"digest" is "sha256:" and 64 hex digits, this is {line["digest"]!r}')
    response = line["response"]
    reject_unknown_keys(response, ("status", "body", "text", "frames"), "key of response")
    validate_status(response)
    if sum(key in response for key in ("body", "text", "frames")) != 1:
        raise LineError('"response" has one of "body", "text", "frames"')
    frames = response.get("frames", [])
    if not isinstance(frames, list) or not all(isinstance(frame, str) for frame in frames):
        raise LineError('"frames" is a list of strings, raw server-sent events')
    if not isinstance(response.get("text", ""), str):
        raise LineError(f'"text" is a string, this is {json_type_name(response["text"])}')
