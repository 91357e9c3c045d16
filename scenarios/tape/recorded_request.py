"""Decide whether a request is the one that a recorded line answers, and how it differs.

The proxy sees the whole request and writes its digest. A line that comes from a trace has none,
because a trace holds the conversation and not each setting: then the rendered conversations must be
equal. A part that was redacted matches any text.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from scenarios.tape.condition import Condition
from scenarios.tape.conversation import render_conversation, to_chat_request
from scenarios.tape.drift import Change, compare_requests
from scenarios.tape.redacted_path import PLACEHOLDER
from scenarios.tape.request import COMPLETION_PATHS, Request, to_sorted_json


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
    actual = render_conversation(to_chat_request(_common_part(recorded, request)))
    expected, pattern = _render_recorded(to_sorted_json(recorded))
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
    return {key: body[key] for key in recorded if key in body} if isinstance(body, dict) else {}


@lru_cache(maxsize=4096)
def _render_recorded(recorded: str) -> tuple[str, Condition | None]:
    """The conversation of a recorded request, and a pattern of it if parts were redacted."""
    text = render_conversation(to_chat_request(orjson.loads(recorded)))
    if "[redacted: " not in text:
        return text, None
    parts = map(re.escape, PLACEHOLDER.split(text))
    return text, Condition.compile(r"\A" + r"[\s\S]*?".join(parts) + r"\Z")
