"""A joined reply: what the body of a completion says, whole or in server-sent events."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from patches.openai.stream_assembly import ChatAssembler, ResponseAssembler

LINE_BREAK = re.compile(r"\r\n|\n|\r")
MALFORMED_REPLY_ERRORS = (
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    RecursionError,
)
"""What an endpoint can make one run into, which may send anything where a reply is due."""


@dataclass(frozen=True)
class ParsedReply:
    """What a reply says so far.

    `outputs` are {"choices": […]} or {"output": […]}, as the API spells them, None where nothing
    was said. `usage` is in tokens, empty where it was not told. `whole` is whether it says that it
    is at its end; `failure` is what it says of one.
    """

    outputs: dict[str, Any] | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    model: str = ""
    id: str = ""
    finish_reasons: tuple[str, ...] = ()
    is_complete: bool = False
    error_message: str = ""


def parse_reply(text: str, *, is_stream: bool) -> ParsedReply:
    """What the body reads as; nothing that it holds makes it raise."""
    try:
        return _parse_stream(text) if is_stream else _parse_body(json.loads(text), is_complete=True)
    except MALFORMED_REPLY_ERRORS:
        return ParsedReply()


def _parse_stream(text: str) -> ParsedReply:
    chat, response = ChatAssembler(), ResponseAssembler()
    done, failure = False, ""
    for data in _iter_event_data(text):
        done = done or data == "[DONE]"
        try:
            event = _parse_event(data)
            failure = failure or _error_message(event)
            grown = response if str(event.get("type")).startswith("response.") else chat
            grown.add(event)
        except MALFORMED_REPLY_ERRORS:
            continue
    body, whole = (
        (response.body, response.is_complete) if response.body else (chat.body, chat.is_complete)
    )
    told = _parse_body(body, is_complete=whole or done)
    return replace(told, error_message=told.error_message or failure)


def _parse_event(data: str) -> Any:
    if data == "[DONE]":
        return {}
    try:
        return json.loads(data)
    except ValueError:
        return {"error": "an event of the stream is no JSON"}


def _iter_event_data(text: str) -> Iterator[str]:
    """The data of each event."""
    data: list[str] = []
    for line in LINE_BREAK.split(text):
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []


def _parse_body(body: Mapping[str, Any], *, is_complete: bool) -> ParsedReply:
    items, choices = body.get("output"), body.get("choices")
    said = {"output": items} if items else {"choices": choices} if choices else None
    cut = _as_mapping(body.get("incomplete_details")).get("reason") or body.get("status")
    ends = map(_as_mapping, choices if isinstance(choices, list) else ())
    why = [cut if items else None, *(choice.get("finish_reason") for choice in ends)]
    return ParsedReply(
        outputs=said,
        usage=_token_usage(_as_mapping(body.get("usage"))),
        model=body.get("model") or "",
        id=body.get("id") or "",
        finish_reasons=tuple(reason for reason in why if reason and is_complete),
        is_complete=is_complete,
        error_message=_error_message(body),
    )


def _token_usage(usage: Mapping[str, Any]) -> Mapping[str, int]:
    """Tokens by MLflow's names for them, which are those of the Responses API."""
    given = usage.get("input_tokens", usage.get("prompt_tokens"))
    said = usage.get("output_tokens", usage.get("completion_tokens"))
    if not (isinstance(given, int) and isinstance(said, int)):
        return {}
    details = usage.get("input_tokens_details") or usage.get("prompt_tokens_details")
    cached = _as_mapping(details).get("cached_tokens")
    told = {"input_tokens": given, "output_tokens": said, "total_tokens": given + said}
    return told | ({"cache_read_input_tokens": cached} if isinstance(cached, int) else {})


def _as_mapping(value: Any) -> Mapping[str, Any]:
    """What is due to be an object; an endpoint may send anything in its place."""
    return value if isinstance(value, Mapping) else {}


def _error_message(said: Mapping[str, Any]) -> str:
    """What a body, or an event of a stream, says of a failure."""
    told = said if said.get("type") == "error" else said.get("error")
    if not told:
        return ""
    return str(told.get("message") or told) if isinstance(told, Mapping) else str(told)
