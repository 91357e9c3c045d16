"""A lane: one agent's, or one outside service's, own sequence of exchanges.

An agent's client names its lane in a header. One that does not, as a foreign application's, has a
fingerprint for a lane. Elsewhere than in chats the tape may say whose a path is.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from scenarios.tape.conversation import as_chat, system_prompt, tool_names
from scenarios.tape.json_depth import nested
from scenarios.tape.request import COMPLETIONS, EMBEDDINGS, MODELS, Request, as_json
from workflows.model import LANE_HEADER

ALIASES = {path.removeprefix("/v1"): path for path in (*COMPLETIONS, EMBEDDINGS, MODELS)}
NOBODY = "~"
LONGEST = 200
"""The longest name of a lane, in characters."""


def received(
    scope: Mapping[str, Any], raw: bytes, lane_of_path: Callable[[str, str, str | None], str | None]
) -> Request:
    """The request that an ASGI scope and its body spell, in its lane."""
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        body = raw.decode("utf-8", "replace")
    if nested(body):
        body = raw.decode()
    path = ALIASES.get(scope["path"], scope["path"])
    wanted = LANE_HEADER.encode()
    named = next((_text(value) for name, value in scope["headers"] if name == wanted), None)
    if path in COMPLETIONS:
        lane = named or fingerprint(body)
    else:
        lane = lane_of_path(scope["method"], path, named) or named or NOBODY
    return Request(lane, scope["method"], path, scope["query_string"].decode("latin-1"), body)


def _text(header: bytes) -> str:
    """A header as text: in UTF-8, as clients write a name that is not English; else in Latin-1."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def fingerprint(body: Any) -> str:
    """The lane of a client that names none: `~` and 12 hex digits of its prompt and tools."""
    fields = as_chat(body) if isinstance(body, dict) else {}
    identity = as_json([system_prompt(fields), sorted(tool_names(fields))])
    return "~" + hashlib.sha256(identity.encode()).hexdigest()[:12]
