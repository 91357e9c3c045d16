"""A joined reply: what the body of a completion says, whole or in server-sent events."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from patches.openai.stream_assembly import GrownChat, GrownResponse

LINE = re.compile(r"\r\n|\n|\r")
ODD = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)
"""What an endpoint can make one run into, which may send anything where a reply is due."""


@dataclass(frozen=True)
class Joined:
    """What a reply says so far.

    `outputs` are {"choices": […]} or {"output": […]}, as the API spells them, None where nothing
    was said. `usage` is in tokens, empty where it was not told. `whole` is whether it says that it
    is at its end; `failure` is what it says of one.
    """

    outputs: dict[str, Any] | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    model: str = ""
    id: str = ""
    reasons: tuple[str, ...] = ()
    whole: bool = False
    failure: str = ""


def joined(text: str, *, streamed: bool) -> Joined:
    """What the body reads as; nothing that it holds makes it raise."""
    try:
        return _streamed(text) if streamed else _read(json.loads(text), whole=True)
    except ODD:
        return Joined()


def _streamed(text: str) -> Joined:
    chat, response = GrownChat(), GrownResponse()
    done, failure = False, ""
    for data in _data(text):
        done = done or data == "[DONE]"
        try:
            event = _event(data)
            failure = failure or _failure(event)
            grown = response if str(event.get("type")).startswith("response.") else chat
            grown.take(event)
        except ODD:
            continue
    body, whole = (response.body, response.whole) if response.body else (chat.body, chat.whole)
    told = _read(body, whole=whole or done)
    return replace(told, failure=told.failure or failure)


def _event(data: str) -> Any:
    if data == "[DONE]":
        return {}
    try:
        return json.loads(data)
    except ValueError:
        return {"error": "an event of the stream is no JSON"}


def _data(text: str) -> Iterator[str]:
    """The data of each event."""
    data: list[str] = []
    for line in LINE.split(text):
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []


def _read(body: Mapping[str, Any], *, whole: bool) -> Joined:
    items, choices = body.get("output"), body.get("choices")
    said = {"output": items} if items else {"choices": choices} if choices else None
    cut = _object(body.get("incomplete_details")).get("reason") or body.get("status")
    ends = map(_object, choices if isinstance(choices, list) else ())
    why = [cut if items else None, *(choice.get("finish_reason") for choice in ends)]
    return Joined(
        outputs=said,
        usage=_spent(_object(body.get("usage"))),
        model=body.get("model") or "",
        id=body.get("id") or "",
        reasons=tuple(reason for reason in why if reason and whole),
        whole=whole,
        failure=_failure(body),
    )


def _spent(usage: Mapping[str, Any]) -> Mapping[str, int]:
    """Tokens by MLflow's names for them, which are those of the Responses API."""
    given = usage.get("input_tokens", usage.get("prompt_tokens"))
    said = usage.get("output_tokens", usage.get("completion_tokens"))
    if not (isinstance(given, int) and isinstance(said, int)):
        return {}
    details = usage.get("input_tokens_details") or usage.get("prompt_tokens_details")
    cached = _object(details).get("cached_tokens")
    told = {"input_tokens": given, "output_tokens": said, "total_tokens": given + said}
    return told | ({"cache_read_input_tokens": cached} if isinstance(cached, int) else {})


def _object(value: Any) -> Mapping[str, Any]:
    """What is due to be an object; an endpoint may send anything in its place."""
    return value if isinstance(value, Mapping) else {}


def _failure(said: Mapping[str, Any]) -> str:
    """What a body, or an event of a stream, says of a failure."""
    told = said if said.get("type") == "error" else said.get("error")
    if not told:
        return ""
    return str(told.get("message") or told) if isinstance(told, Mapping) else str(told)
