"""Build tapes in Python, and real OpenAI clients of a replay server."""

from typing import Any

import orjson
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from scenarios.replay.replay_server import ReplayServer
from scenarios.tape.requests.request import canonicalize, compute_digest
from scenarios.tape.tape import Tape
from workflows.model import AGENT_HEADER

MODEL = "some-model"
CLOSE_CONNECTION = {"connection": "close"}


def reply_line(lane: str, content: Any, when: str | None = None, **reply: Any) -> dict[str, Any]:
    """Return a scripted line of a chat; `reply` has further keys of the reply."""
    line = {"lane": lane, "origin": "scripted", "reply": {"content": content, **reply}}
    return line | ({"when": when} if when else {})


def recorded_line(body: dict[str, Any], **line: Any) -> dict[str, Any]:
    """Return a recorded line of a chat in lane `a`; `line` has further keys of the line."""
    request = canonicalize(body)
    message = {"role": "assistant", "content": "as recorded"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
    response = {"status": 200, "body": answer | {"choices": [choice]}}
    recorded = {"digest": compute_digest(request), "request": request, "response": response}
    return {"lane": "a", "origin": "recorded"} | recorded | line


def service_line(lane: str, path: str, reply: Any, **more: Any) -> dict[str, Any]:
    """Return a scripted line of an outside service; `more` has further keys of the line."""
    return {"lane": lane, "origin": "scripted", "path": path, "reply": {"json": reply}, **more}


def make_tape(*lines: dict[str, Any]) -> Tape:
    """Return a tape with these lines, named `case/tape.jsonl`."""
    return Tape.parse(b"\n".join(map(orjson.dumps, lines)), "case/tape.jsonl")


def user_message(text: str) -> list[ChatCompletionMessageParam]:
    """Return a conversation of one user message."""
    return [{"role": "user", "content": text}]


def make_client(replay: ReplayServer, lane: str | None = None, **options: Any) -> OpenAI:
    """Return an OpenAI client of a lane, without retries or open connections."""
    settings = _client_options(replay, lane, options)
    return OpenAI(**settings | {"default_headers": settings["default_headers"] | CLOSE_CONNECTION})


def make_async_client(replay: ReplayServer, lane: str | None = None, **options: Any) -> AsyncOpenAI:
    """Return an asynchronous OpenAI client of a lane, without retries."""
    return AsyncOpenAI(**_client_options(replay, lane, options))


def ask(client: OpenAI, text: str = "go on") -> str | None:
    """Send one user message and return the content of the answer."""
    completion = client.chat.completions.create(model=MODEL, messages=user_message(text))
    return completion.choices[0].message.content


def _client_options(
    replay: ReplayServer, lane: str | None, options: dict[str, Any]
) -> dict[str, Any]:
    headers = {AGENT_HEADER: lane} if lane else {}
    defaults: dict[str, Any] = {"base_url": replay.base_url, "api_key": "not-a-key"}
    defaults |= {"max_retries": 0, "timeout": 5.0, "default_headers": headers}
    return defaults | options
