"""Validate a request as the OpenAI API would, and word the error of an invalid one."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from scenarios.replay.http_server.connection import MAX_BODY_MIB
from scenarios.replay.openai_api.errors import INVALID_REQUEST_TYPE
from scenarios.replay.selection.refusal import RequestRefusedError
from scenarios.tape.json_checks import MAX_DEPTH, json_type_name
from scenarios.tape.requests.request import CHAT_PATH, EMBEDDINGS_PATH, RESPONSES_PATH, Request
from workflows.model import AGENT_HEADER

MAX_LANE_CHARS = 200

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
    request: Request, raw: bytes, encoding_problem: str = ""
) -> RequestRefusedError | None:
    """Return an error that says why the API would reject this request; None if it would not.

    Args:
        request: The parsed request, with its lane.
        raw: Its body, without its content encoding.
        encoding_problem: Why the content encoding could not be removed, if so.
    """
    if len(request.lane) > MAX_LANE_CHARS or not request.lane.isprintable():
        message = (
            f"{AGENT_HEADER} must name a lane in at most {MAX_LANE_CHARS} printable characters;"
            f" this one has {len(request.lane)}."
        )
        lane = f"{request.lane[:MAX_LANE_CHARS]!r}…"
        return RequestRefusedError(message, lane, status=400, error_type=INVALID_REQUEST_TYPE)
    if request.method != "POST" or request.path not in REQUIRED_FIELD_BY_PATH:
        return None
    message = encoding_problem or next(_problems(request, raw), "")
    if not message:
        return None
    return RequestRefusedError(message, request.lane, status=400, error_type=INVALID_REQUEST_TYPE)


def body_too_large_error(lane: str) -> RequestRefusedError:
    """Return the error for a body that was too large to be read."""
    message = f"The request body is larger than {MAX_BODY_MIB} MiB; send a smaller one."
    return RequestRefusedError(message, lane, status=413, error_type=INVALID_REQUEST_TYPE)


def _problems(request: Request, raw: bytes) -> Iterator[str]:
    if not isinstance(request.body, dict):
        yield f"The body is not a JSON object: {_explain_invalid_body(raw)}."
    field_types, required = FIELDS_BY_PATH[request.path], REQUIRED_FIELD_BY_PATH[request.path]
    if required not in request.fields:
        yield f'The body has no "{required}", which must be {field_types[required]}.'
    yield from _type_problems(request.fields, field_types, "")
    messages = request.fields.get("messages")
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict):
            yield from _type_problems(message, MESSAGE_FIELDS, f"messages[{index}].")


def _explain_invalid_body(raw: bytes) -> str:
    if not raw:
        return "it is empty"
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return f"{error.msg}, line {error.lineno}, column {error.colno}"
    if isinstance(value, dict):
        return f"it is nested more than {MAX_DEPTH} levels deep"
    return f"it is {json_type_name(value)}"


def _type_problems(
    value: Mapping[str, Any], field_types: Mapping[str, str], prefix: str
) -> Iterator[str]:
    """Yield a sentence per field of a wrong type. Null counts as absent in an optional field."""
    for key, expected in field_types.items():
        field = value.get(key)
        if field is None and f"{prefix}{key}" not in REQUIRED_FIELD_BY_PATH.values():
            continue
        if not isinstance(field, JSON_TYPES[expected]):
            yield f"{prefix}{key} must be {expected}, not {json_type_name(field)}."
        elif isinstance(field, list) and expected == "a list of objects":
            for index, item in enumerate(field):
                if not isinstance(item, dict):
                    yield f"{prefix}{key}[{index}] must be an object, not {json_type_name(item)}."
