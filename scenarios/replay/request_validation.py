"""A malformed request: one that the API cannot read, or in which a value is of a wrong kind."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from scenarios.http_server.connection import MAX_BODY_MIB, Scope
from scenarios.replay.openai_api.errors import INVALID_REQUEST_TYPE
from scenarios.replay.refusal import RequestRefusedError
from scenarios.tape.json_checks import json_type_name
from scenarios.tape.json_depth import MAX_DEPTH
from scenarios.tape.lane import MAX_LANE_CHARS
from scenarios.tape.request import CHAT_PATH, EMBEDDINGS_PATH, RESPONSES_PATH, Request
from workflows.model import AGENT_HEADER

JSON_TYPES: dict[str, tuple[type, ...]] = {
    "a list of objects": (list,),
    "a string or a list": (str, list),
    "an object": (dict,),
    "a string": (str,),
    "a boolean": (bool,),
}
CHAT_FIELDS = {
    "messages": "a list of objects",
    "tools": "a list of objects",
    "stream": "a boolean",
    "stream_options": "an object",
    "model": "a string",
}
RESPONSES_FIELDS = {
    "input": "a string or a list",
    "instructions": "a string",
    "tools": "a list of objects",
    "stream": "a boolean",
    "model": "a string",
}
MESSAGE_FIELDS = {
    "role": "a string",
    "content": "a string or a list",
    "tool_calls": "a list of objects",
    "tool_call_id": "a string",
    "name": "a string",
}
EMBEDDINGS_FIELDS = {"input": "a string or a list", "model": "a string"}
FIELDS_BY_PATH = {
    CHAT_PATH: CHAT_FIELDS,
    RESPONSES_PATH: RESPONSES_FIELDS,
    EMBEDDINGS_PATH: EMBEDDINGS_FIELDS,
}
REQUIRED_FIELD_BY_PATH = {CHAT_PATH: "messages", RESPONSES_PATH: "input", EMBEDDINGS_PATH: "input"}


def validate_request(
    scope: Scope, raw: bytes, request: Request, call: int
) -> RequestRefusedError | None:
    """Why the API would not read this request; None if it would, or is not asked."""
    if len(request.lane) > MAX_LANE_CHARS or not request.lane.isprintable():
        said = (
            f"{AGENT_HEADER} names a lane in at most {MAX_LANE_CHARS} printable characters;"
            f" this has {len(request.lane)}."
        )
        return RequestRefusedError(
            said,
            f"{request.lane[:MAX_LANE_CHARS]!r}…",
            call,
            status=400,
            error_type=INVALID_REQUEST_TYPE,
        )
    if request.method != "POST" or request.path not in REQUIRED_FIELD_BY_PATH:
        return None
    said = next(_problems(scope, raw, request), "")
    return (
        RequestRefusedError(said, request.lane, call, status=400, error_type=INVALID_REQUEST_TYPE)
        if said
        else None
    )


def body_too_large_error(lane: str, call: int) -> RequestRefusedError:
    """A body that was not kept."""
    said = f"A request of more than {MAX_BODY_MIB} MiB is not read; send a smaller one."
    return RequestRefusedError(said, lane, call, status=413, error_type=INVALID_REQUEST_TYPE)


def _problems(scope: Scope, raw: bytes, request: Request) -> Iterator[str]:
    encoding = dict(scope["headers"]).get(b"content-encoding", b"identity").decode("latin-1")
    if encoding != "identity":
        yield f"The body is encoded ({encoding[:40]}), and is read as it is; send it plain."
    if not isinstance(request.body, dict):
        yield f"The body is no JSON object: {_explain_invalid_body(raw)}."
    needed = REQUIRED_FIELD_BY_PATH[request.path]
    if needed not in request.fields:
        yield f'The body has no "{needed}", which is {FIELDS_BY_PATH[request.path][needed]}.'
    yield from _type_problems(request.fields, FIELDS_BY_PATH[request.path], "")
    for at, message in enumerate(_list(request.fields, "messages")):
        if isinstance(message, dict):  # what is none was told of, where messages are due
            yield from _type_problems(message, MESSAGE_FIELDS, f"messages[{at}].")


def _explain_invalid_body(raw: bytes) -> str:
    if not raw:
        return "it is empty"
    try:
        read = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return f"{error.msg}, line {error.lineno}, column {error.colno}"
    deep = f"it is nested more than {MAX_DEPTH} levels deep"
    return f"it is {json_type_name(read)}" if not isinstance(read, dict) else deep


def _type_problems(
    value: Mapping[str, Any], field_types: Mapping[str, str], prefix: str
) -> Iterator[str]:
    """A sentence for each value that is not of its kind; null stands for what is absent."""
    for key, what in field_types.items():
        field = value.get(key)
        if field is None and f"{prefix}{key}" not in REQUIRED_FIELD_BY_PATH.values():
            continue
        if not isinstance(field, JSON_TYPES[what]):
            yield f"{prefix}{key} is {what}, this is {json_type_name(field)}."
        elif isinstance(field, list) and what == "a list of objects":
            for at, inner in enumerate(field):
                if not isinstance(inner, dict):
                    yield f"{prefix}{key}[{at}] is an object, this is {json_type_name(inner)}."


def _list(said: Mapping[str, Any], key: str) -> list[Any]:
    value = said.get(key)
    return value if isinstance(value, list) else []
