"""Parse a request, and find its lane.

The lane of a chat is the agent's name, from the header `x-agent-name`. A client that sends none, as
most foreign programs, gets a fingerprint of its system prompt and tools as its lane. On all other
paths, the tape or the caller may decide the lane.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from scenarios.replay.http_server.connection import Scope
from scenarios.tape.json_checks import exceeds_max_depth
from scenarios.tape.lanes.lane_recognition import LaneRecognition
from scenarios.tape.requests.conversation import system_prompt, to_chat_request, tool_names
from scenarios.tape.requests.request import (
    COMPLETION_PATHS,
    EMBEDDINGS_PATH,
    MODELS_PATH,
    Request,
    to_sorted_json,
)
from scenarios.tape.tape import Tape
from workflows.model import AGENT_HEADER

PATH_ALIASES = {
    path.removeprefix("/v1"): path for path in (*COMPLETION_PATHS, EMBEDDINGS_PATH, MODELS_PATH)
}
AZURE_PATH = re.compile(
    r"/openai(?:/deployments/[^/]+|/v\d+)?(/chat/completions|/responses|/embeddings)"
)
"""The paths of Azure OpenAI, which have the name of a deployment, or a version, within."""
MULTIPART_BOUNDARY = re.compile(rb'multipart/.*\bboundary="?([^";]+)', re.IGNORECASE)
"""Clients choose another one for each form, so bodies are compared without it."""
LaneForPath = Callable[[str, str, str | None], str | None]
LaneForAgent = Callable[[Any, str | None], tuple[str, str]]
ANONYMOUS_LANE = "~"


class RequestParser:
    """Parses the requests of a tape's clients: each is in a lane of the tape, if one fits."""

    def __init__(self, tape: Tape, strict: bool) -> None:
        self._tape = tape
        self._strict = strict
        self._mounts = tuple(filter(None, tape.header.endpoints.values()))
        self._recognition = LaneRecognition(tape.lines, tape.header)

    def parse(self, scope: Scope, body: bytes) -> Request:
        """Parse a request; one below the mount of a service is in that service's lane."""
        path: str = scope["path"]
        mount = next((one for one in self._mounts if path.startswith(f"{one}/")), "")
        lane = mount.removeprefix("/")
        below = path.removeprefix(mount or "/v1") or "/"
        # A recorder writes the paths below its mount, and those of the API as OpenAI has them.
        if mount not in ("", "/v1") or self._tape.lane_for_path(scope["method"], below, None):
            scope = {**scope, "path": below}
        if lane in self._tape.lanes:
            return parse_request(scope, body, lambda *_: lane, self._lane_for_agent)
        return parse_request(scope, body, self._tape.lane_for_path, self._lane_for_agent)

    def _lane_for_agent(self, body: Any, agent: str | None) -> tuple[str, str]:
        """Return the lane of a completion and, in tolerant replay, why it is only a guess."""
        if agent in self._tape.lanes:
            return str(agent), ""
        fingerprint = lane_fingerprint(body)
        if agent is None and fingerprint in self._tape.lanes:
            return fingerprint, ""
        if lane := self._recognition.recognize(body):
            return lane, ""
        if not self._strict and (nearest := self._recognition.find_nearest(body)):
            return nearest.lane, nearest.explanation
        return agent or fingerprint, ""


def parse_request(
    scope: Mapping[str, Any],
    raw: bytes,
    lane_for_path: LaneForPath,
    lane_for_agent: LaneForAgent | None = None,
) -> Request:
    """Parse an ASGI scope and a raw body.

    Args:
        lane_for_path: Called for paths other than completions, with the method, the path and the
            lane that the client named; returns the lane, or None to use the named one.
        lane_for_agent: Called for completions, with the body and the lane that the client named;
            returns the lane, and why it is only a guess. By default the lane is the named one, or
            a fingerprint.
    """
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        body = raw.decode("utf-8", "replace")
        if boundary := MULTIPART_BOUNDARY.search(dict(scope["headers"]).get(b"content-type", b"")):
            body = body.replace(boundary[1].decode("latin-1"), "boundary")
    if exceeds_max_depth(body):
        body = raw.decode()
    method, path = scope["method"], canonical_path(scope["path"])
    header_name = AGENT_HEADER.encode()
    headers = (_decode_header(value) for name, value in scope["headers"] if name == header_name)
    agent = next(headers, None)
    guess = ""
    if path not in COMPLETION_PATHS:
        lane = lane_for_path(method, path, agent) or agent or ANONYMOUS_LANE
    elif lane_for_agent is not None:
        lane, guess = lane_for_agent(body, agent)
    else:
        lane = agent or lane_fingerprint(body)
    return Request(lane, method, path, scope["query_string"].decode("latin-1"), body, guess)


def canonical_path(path: str) -> str:
    """Return the path as OpenAI has it, for a path without `/v1` or of Azure OpenAI."""
    if azure := AZURE_PATH.fullmatch(path):
        path = azure[1]
    return PATH_ALIASES.get(path, path)


def _decode_header(header: bytes) -> str:
    """Decode a header as UTF-8, which clients use for names that are not ASCII, or as Latin-1."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def lane_fingerprint(body: Any) -> str:
    """Return the lane of an anonymous client: `~` and 12 hex digits of its prompt and tools."""
    fields = to_chat_request(body) if isinstance(body, dict) else {}
    identity = to_sorted_json([system_prompt(fields), sorted(tool_names(fields))])
    return "~" + hashlib.sha256(identity.encode()).hexdigest()[:12]
