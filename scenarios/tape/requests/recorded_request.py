"""Decide whether a request is the one that a recorded line answers, and how it differs.

The proxy sees the whole request and writes its digest. A line that comes from a trace has none,
because a trace holds the conversation and not each setting: then the rendered conversations must be
equal, and the recorded tools must be offered. A part that was redacted matches any text.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from scenarios.tape.condition import Condition
from scenarios.tape.requests.conversation import render_conversation, to_chat_request, tool_names
from scenarios.tape.requests.drift import Change, compare_requests
from scenarios.tape.requests.request import COMPLETION_PATHS, Request, to_sorted_json

PLACEHOLDER = re.compile(r"\[redacted: [\w -]+\]")

ROLES = {"developer": "system"}
"""Roles that mean the same."""


def to_pattern(redacted: str) -> str:
    """A regular expression in which each placeholder of redaction matches a part of a URL."""
    return r"[^/?&\s]*".join(re.escape(part) for part in PLACEHOLDER.split(redacted))


def matches_path(recorded: str, path: str) -> bool:
    """Return whether a line's path is that of a request."""
    if recorded == path or "[redacted: " not in recorded:
        return recorded == path
    return re.fullmatch(to_pattern(recorded), path) is not None


def is_recorded_request(digest: str | None, recorded: Any, request: Request) -> bool:
    """Return whether `request` is the recorded one.

    Args:
        digest: The digest of the line; None if it has none.
        recorded: The request of the line; None for a scripted line, which answers any.
        request: The request that a client sends.

    Raises:
        SearchTimeoutError: The conversation has redacted parts, and the search took too long.
    """
    if digest is not None:
        return digest == request.digest
    if recorded is None:
        return True
    if request.path not in COMPLETION_PATHS or not isinstance(recorded, Mapping):
        return bool(recorded == request.canonical_body)
    chat, recorded_chat = to_chat_request(request.fields), to_chat_request(recorded)
    if not set(tool_names(recorded_chat)) <= set(tool_names(chat)):
        return False
    expected, pattern, has_names = _render_recorded(to_sorted_json(recorded_chat))
    actual = _render(chat, with_names=has_names)
    return actual == expected or (pattern is not None and pattern.search(actual) is not None)


def compare_with_recorded(
    digest: str | None, recorded: Any, request: Request
) -> tuple[Change, ...]:
    """List how a request differs from the recorded one; without a digest, in what was recorded."""
    if digest is not None or not isinstance(recorded, Mapping):
        return compare_requests(recorded, request.canonical_body)
    return compare_requests(recorded, _common_part(recorded, request))


def _common_part(recorded: Mapping[str, Any], request: Request) -> dict[str, Any]:
    body = request.canonical_body
    if isinstance(body, dict) and "messages" in recorded:
        body = to_chat_request(body)
    return {key: body[key] for key in recorded if key in body} if isinstance(body, dict) else {}


@lru_cache(maxsize=4096)
def _render_recorded(recorded: str) -> tuple[str, Condition | None, bool]:
    """The conversation of a request, a pattern if parts were redacted, and if it names users."""
    chat = orjson.loads(recorded)
    has_names = any(message.get("name") for message in chat.get("messages") or ())
    text = _render(chat, with_names=has_names)
    if "[redacted: " not in text:
        return text, None, has_names
    parts = map(re.escape, PLACEHOLDER.split(text))
    return text, Condition.compile(r"\A" + r"[\s\S]*?".join(parts) + r"\Z"), has_names


def _render(chat: Mapping[str, Any], *, with_names: bool) -> str:
    """The conversation as text. Some instrumentors do not record the names of users."""
    hidden = () if with_names else ("name",)
    messages = [
        {key: value for key, value in message.items() if key not in hidden}
        | {"role": ROLES.get(str(message.get("role")), message.get("role"))}
        for message in chat.get("messages") or ()
        if isinstance(message, dict)
    ]
    return render_conversation({"messages": messages})
