"""Parse the body of a completion, complete or partial, as JSON or as server-sent events."""

import json
import re
from array import array
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from patches.openai.partial_stream_assembly import ChatAssembler, ResponseAssembler
from patches.support.completion_attributes import read_token_counts

LINE_BREAK = re.compile(r"\r\n|\n|\r")
MALFORMED_REPLY_ERRORS = (AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""Errors that a reply with unexpected content can cause."""


@dataclass(frozen=True)
class ParsedReply:
    """The reply so far.

    Attributes:
        outputs: {"choices": […]} or {"output": […]}, as in the API; None if the reply has neither.
        usage: Token counts under MLflow's names; empty if the endpoint does not report them.
        finish_reasons: Why the model stopped, for each choice.
        is_complete: Whether the reply says that it has ended.
        error_message: The error that the reply reports, or "".
        is_background: Whether the endpoint makes the reply in the background.
    """

    outputs: dict[str, Any] | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    model: str = ""
    id: str = ""
    finish_reasons: tuple[str, ...] = ()
    is_complete: bool = False
    error_message: str = ""
    is_background: bool = False


def parse_reply(text: str, *, is_stream: bool, max_events: int | None = None) -> ParsedReply:
    """Parse the body of a reply. Never raises, whatever the body contains.

    If the body consists of server-sent events, only the first `max_events` are read. Default: all.
    """
    try:
        if is_stream:
            return _parse_stream(text, max_events)
        return _parse_body(json.loads(text), is_complete=True)
    except MALFORMED_REPLY_ERRORS:
        return ParsedReply()


def parse_other_reply(text: str, *, is_stream: bool, max_events: int | None = None) -> ParsedReply:
    """Parse a reply that is no completion: embeddings, images or a transcript. Never raises.

    The last event of a stream has the result. Embeddings become numbers, as the client's do.
    """
    try:
        if is_stream:
            events = islice(_iter_event_data(text), max_events)
            *_, text = (data for data in events if data != "[DONE]")
        body = json.loads(text)
        if not isinstance(body, dict):
            raise TypeError("no JSON object")
    except MALFORMED_REPLY_ERRORS:
        is_text = not is_stream and bool(text) and not text.lstrip().startswith(("{", "<"))
        return ParsedReply({"text": text} if is_text else None, is_complete=is_text)
    is_complete = not is_stream or str(body.get("type")).endswith((".completed", ".done"))
    items = body.get("data")
    if isinstance(items, list):
        body |= {"data": [_decode_embedding(item) for item in items]}
    usage = as_mapping(body.get("usage"))
    counts = read_token_counts(usage) or read_token_counts({**usage, "completion_tokens": 0})
    reply = _parse_body(body, is_complete=is_complete)
    return replace(reply, outputs=body, usage=counts, finish_reasons=())


def _decode_embedding(item: Any) -> Any:
    """Return an embedding with its numbers; the client requests them as base64."""
    if not isinstance(encoded := as_mapping(item).get("embedding"), str):
        return item
    try:
        return {**item, "embedding": array("f", b64decode(encoded)).tolist()}
    except ValueError:
        return item


def _parse_stream(text: str, max_events: int | None) -> ParsedReply:
    chat, response = ChatAssembler(), ResponseAssembler()
    has_done_event, error_message = False, ""
    for data in islice(_iter_event_data(text), max_events):
        has_done_event = has_done_event or data == "[DONE]"
        try:
            event = _parse_event(data)
            error_message = error_message or _error_message(event)
            is_response = str(event.get("type")).startswith("response.")
            assembler = response if is_response else chat
            assembler.add(event)
        except MALFORMED_REPLY_ERRORS:
            continue
    assembled = response if response.body else chat
    reply = _parse_body(assembled.body, is_complete=assembled.is_complete or has_done_event)
    return replace(reply, error_message=reply.error_message or error_message)


def _parse_event(data: str) -> Any:
    if data == "[DONE]":
        return {}
    try:
        return json.loads(data)
    except ValueError:
        return {"error": "an event of the stream is not JSON"}


def _iter_event_data(text: str) -> Iterator[str]:
    """Yield the data of each server-sent event."""
    data: list[str] = []
    for line in LINE_BREAK.split(text):
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []


def _parse_body(body: Mapping[str, Any], *, is_complete: bool) -> ParsedReply:
    items, choices = body.get("output"), body.get("choices")
    outputs: dict[str, Any] | None = None
    if isinstance(items, list):
        outputs = {"output": items}
    elif isinstance(choices, list) and any(map(_has_reply, choices)):
        outputs = {"choices": choices}
    status = as_mapping(body.get("incomplete_details")).get("reason") or body.get("status")
    choice_objects = map(as_mapping, choices if isinstance(choices, list) else ())
    reasons = [
        status if isinstance(items, list) else None,
        *(choice.get("finish_reason") for choice in choice_objects),
    ]
    return ParsedReply(
        outputs=outputs,
        usage=read_token_counts(as_mapping(body.get("usage"))),
        model=body.get("model") or "",
        id=body.get("id") or "",
        finish_reasons=tuple(reason for reason in reasons if reason and is_complete),
        is_complete=is_complete,
        error_message=_error_message(body),
        is_background=body.get("background") is True,
    )


def _has_reply(choice: Any) -> bool:
    """Return whether a choice has a message, or the text of the legacy API."""
    reply = as_mapping(choice)
    return isinstance(reply.get("message"), Mapping) or isinstance(reply.get("text"), str)


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return an object, or {} if the endpoint sent something else in its place."""
    return value if isinstance(value, Mapping) else {}


def _error_message(body: Mapping[str, Any]) -> str:
    """Return the error that a body, one of its choices or an event reports, or ""."""
    error = body if body.get("type") == "error" else body.get("error")
    if not error and isinstance(choices := body.get("choices"), list):
        errors = map(_choice_error, map(as_mapping, choices))
        error = next(filter(None, errors), None)
    if not error:
        return ""
    return str(error.get("message") or error) if isinstance(error, Mapping) else str(error)


def _choice_error(choice: Mapping[str, Any]) -> Any:
    """Return the error of a provider that a gateway, such as OpenRouter, reports in a choice."""
    has_failed = choice.get("finish_reason") == "error"
    return choice.get("error") or (has_failed and "the reply has the finish reason 'error'")
