"""An OpenAI-compatible endpoint with given response bodies, for what a tape cannot express."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from scenarios.replay.http_server.connection import Connection
from scenarios.replay.http_server.server import HOST, serve_app

Body = Mapping[str, Any]


@contextmanager
def serve_bodies(*bodies: Body | tuple[Body, ...]) -> Generator[str]:
    """Answer requests with these JSON bodies in order, the last one repeatedly; yield the base URL.

    A tuple of bodies is sent as a stream of server-sent events.
    """
    pending = list(bodies)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        wire = Connection(scope, receive, send)
        await wire.read_body()
        body = pending.pop(0) if len(pending) > 1 else pending[0]
        if isinstance(body, tuple):
            events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in body)
            stream = f"{events}data: [DONE]\n\n".encode()
            await wire.send_response(200, b"text/event-stream", stream)
        else:
            await wire.send_response(200, b"application/json", json.dumps(body).encode())

    with serve_app(app) as port:
        yield f"http://{HOST}:{port}/v1"


def chat_body(message: Body, usage: Body, model: str = "taped") -> Body:
    """Return the body of a chat completion with one choice."""
    finish_reason = "tool_calls" if message.get("tool_calls") else "stop"
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return _completion(model, "chat.completion", [choice]) | {"usage": usage}


def chat_chunks(delta: Body, usage: Body, model: str = "taped") -> tuple[Body, ...]:
    """Return the chunks of a streamed chat completion: one with content, one with the usage."""
    finish_reason = "tool_calls" if delta.get("tool_calls") else "stop"
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    kind = "chat.completion.chunk"
    return (
        _completion(model, kind, [choice]),
        _completion(model, kind, []) | {"usage": usage},
    )


def _completion(model: str, kind: str, choices: list[Any]) -> dict[str, Any]:
    return {"id": "chat-1", "object": kind, "created": 1, "model": model, "choices": choices}
