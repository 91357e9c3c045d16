"""A malformed request: one that the API cannot read, or in which a value is of a wrong kind."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from scenarios.http_server.connection import LARGEST_MIB, Scope
from scenarios.replay.openai_api.errors import INVALID
from scenarios.replay.refusal import Refused
from scenarios.tape.json_checks import kind
from scenarios.tape.json_depth import DEEPEST
from scenarios.tape.lane import LONGEST
from scenarios.tape.request import CHAT, EMBEDDINGS, RESPONSES, Request
from workflows.model import LANE_HEADER

KINDS: dict[str, tuple[type, ...]] = {
    "a list of objects": (list,),
    "a string or a list": (str, list),
    "an object": (dict,),
    "a string": (str,),
    "a boolean": (bool,),
}
OF_A_CHAT = {
    "messages": "a list of objects",
    "tools": "a list of objects",
    "stream": "a boolean",
    "stream_options": "an object",
    "model": "a string",
}
OF_A_RESPONSE = {
    "input": "a string or a list",
    "instructions": "a string",
    "tools": "a list of objects",
    "stream": "a boolean",
    "model": "a string",
}
OF_A_MESSAGE = {
    "role": "a string",
    "content": "a string or a list",
    "tool_calls": "a list of objects",
    "tool_call_id": "a string",
    "name": "a string",
}
OF_EMBEDDINGS = {"input": "a string or a list", "model": "a string"}
DUE = {CHAT: OF_A_CHAT, RESPONSES: OF_A_RESPONSE, EMBEDDINGS: OF_EMBEDDINGS}
NEEDED = {CHAT: "messages", RESPONSES: "input", EMBEDDINGS: "input"}


def malformed(scope: Scope, raw: bytes, request: Request, call: int) -> Refused | None:
    """Why the API would not read this request; None if it would, or is not asked."""
    if len(request.lane) > LONGEST or not request.lane.isprintable():
        said = (
            f"{LANE_HEADER} names a lane in at most {LONGEST} printable characters;"
            f" this has {len(request.lane)}."
        )
        return Refused(said, f"{request.lane[:LONGEST]!r}…", call, status=400, kind=INVALID)
    if request.method != "POST" or request.path not in NEEDED:
        return None
    said = next(_complaints(scope, raw, request), "")
    return Refused(said, request.lane, call, status=400, kind=INVALID) if said else None


def too_large(lane: str, call: int) -> Refused:
    """A body that was not kept."""
    said = f"A request of more than {LARGEST_MIB} MiB is not read; send a smaller one."
    return Refused(said, lane, call, status=413, kind=INVALID)


def _complaints(scope: Scope, raw: bytes, request: Request) -> Iterator[str]:
    encoding = dict(scope["headers"]).get(b"content-encoding", b"identity").decode("latin-1")
    if encoding != "identity":
        yield f"The body is encoded ({encoding[:40]}), and is read as it is; send it plain."
    if not isinstance(request.body, dict):
        yield f"The body is no JSON object: {_why_not(raw)}."
    needed = NEEDED[request.path]
    if needed not in request.fields:
        yield f'The body has no "{needed}", which is {DUE[request.path][needed]}.'
    yield from _wrong(request.fields, DUE[request.path], "")
    for at, message in enumerate(_list(request.fields, "messages")):
        if isinstance(message, dict):  # what is none was told of, where messages are due
            yield from _wrong(message, OF_A_MESSAGE, f"messages[{at}].")


def _why_not(raw: bytes) -> str:
    if not raw:
        return "it is empty"
    try:
        read = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return f"{error.msg}, line {error.lineno}, column {error.colno}"
    deep = f"it is nested more than {DEEPEST} levels deep"
    return f"it is {kind(read)}" if not isinstance(read, dict) else deep


def _wrong(said: Mapping[str, Any], due: Mapping[str, str], where: str) -> Iterator[str]:
    """A sentence for each value that is not of its kind; null stands for what is absent."""
    for key, what in due.items():
        value = said.get(key)
        if value is None and f"{where}{key}" not in NEEDED.values():
            continue
        if not isinstance(value, KINDS[what]):
            yield f"{where}{key} is {what}, this is {kind(value)}."
        elif isinstance(value, list) and what == "a list of objects":
            for at, inner in enumerate(value):
                if not isinstance(inner, dict):
                    yield f"{where}{key}[{at}] is an object, this is {kind(inner)}."


def _list(said: Mapping[str, Any], key: str) -> list[Any]:
    value = said.get(key)
    return value if isinstance(value, list) else []
