"""What tests of tape and replay share: lines spelt in Python, clients that name their lane."""

from typing import Any

import orjson
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from scenarios.replay.replay_server import ReplayServer
from scenarios.tape.tape import Tape
from workflows.model import AGENT_HEADER

MODEL = "some-model"
CLOSE_CONNECTION = {"connection": "close"}


def reply_line(lane: str, content: Any, when: str | None = None, **reply: Any) -> dict[str, Any]:
    """A scripted line of a chat."""
    line = {"lane": lane, "origin": "scripted", "reply": {"content": content, **reply}}
    return line | ({"when": when} if when else {})


def service_line(lane: str, path: str, reply: Any, **more: Any) -> dict[str, Any]:
    """A scripted line of an outside service."""
    return {"lane": lane, "origin": "scripted", "path": path, "reply": {"json": reply}, **more}


def make_tape(*lines: dict[str, Any]) -> Tape:
    return Tape.parse(b"\n".join(map(orjson.dumps, lines)), "case/tape.jsonl")


def user_message(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


def make_client(replay: ReplayServer, lane: str | None = None, **options: Any) -> OpenAI:
    """A real client that tries once, in its lane, and leaves no connection open behind it."""
    settings = _client_options(replay, lane, options)
    return OpenAI(**settings | {"default_headers": settings["default_headers"] | CLOSE_CONNECTION})


def make_async_client(replay: ReplayServer, lane: str | None = None, **options: Any) -> AsyncOpenAI:
    return AsyncOpenAI(**_client_options(replay, lane, options))


def ask(of: OpenAI, text: str = "go on") -> str | None:
    """The content of one plain answer."""
    return (
        of.chat.completions.create(model=MODEL, messages=user_message(text))
        .choices[0]
        .message.content
    )


def _client_options(
    replay: ReplayServer, lane: str | None, options: dict[str, Any]
) -> dict[str, Any]:
    headers = {AGENT_HEADER: lane} if lane else {}
    named = {"base_url": replay.base_url, "api_key": "not-a-key", "max_retries": 0, "timeout": 5.0}
    return named | {"default_headers": headers} | options
