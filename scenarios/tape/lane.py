"""A lane: one agent's, or one outside service's, own sequence of exchanges.

An agent's client names its lane in a header. One that does not, as a foreign application's, has a
fingerprint for a lane. Elsewhere than in chats the tape may say whose a path is.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from scenarios.tape.conversation import system_prompt, to_chat_request, tool_names
from scenarios.tape.json_depth import exceeds_max_depth
from scenarios.tape.request import (
    COMPLETION_PATHS,
    EMBEDDINGS_PATH,
    MODELS_PATH,
    Request,
    to_sorted_json,
)
from workflows.model import AGENT_HEADER

PATH_ALIASES = {
    path.removeprefix("/v1"): path for path in (*COMPLETION_PATHS, EMBEDDINGS_PATH, MODELS_PATH)
}
ANONYMOUS_LANE = "~"
MAX_LANE_CHARS = 200
"""The longest name of a lane, in characters."""


def parse_request(
    scope: Mapping[str, Any],
    raw: bytes,
    lane_for_path: Callable[[str, str, str | None], str | None],
) -> Request:
    """The request that an ASGI scope and its body spell, in its lane."""
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        body = raw.decode("utf-8", "replace")
    if exceeds_max_depth(body):
        body = raw.decode()
    path = PATH_ALIASES.get(scope["path"], scope["path"])
    wanted = AGENT_HEADER.encode()
    named = next(
        (_decode_header(value) for name, value in scope["headers"] if name == wanted), None
    )
    if path in COMPLETION_PATHS:
        lane = named or lane_fingerprint(body)
    else:
        lane = lane_for_path(scope["method"], path, named) or named or ANONYMOUS_LANE
    return Request(lane, scope["method"], path, scope["query_string"].decode("latin-1"), body)


def _decode_header(header: bytes) -> str:
    """A header as text: in UTF-8, as clients write a name that is not English; else in Latin-1."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def lane_fingerprint(body: Any) -> str:
    """The lane of a client that names none: `~` and 12 hex digits of its prompt and tools."""
    fields = to_chat_request(body) if isinstance(body, dict) else {}
    identity = to_sorted_json([system_prompt(fields), sorted(tool_names(fields))])
    return "~" + hashlib.sha256(identity.encode()).hexdigest()[:12]
