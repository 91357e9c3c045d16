"""What tests of hostile input share: bytes sent by hand, and a request of a known good shape."""

import socket
from typing import Any

import httpx
import orjson

from scenarios.http_server.server import HOST
from scenarios.replay.replay_server import ReplayServer

CHAT_PATH = b"/v1/chat/completions"
TIMEOUT_S = 5.0


def raw_request(
    body: bytes,
    *headers: bytes,
    lane: bytes = b"a",
    method: bytes = b"POST",
    path: bytes = CHAT_PATH,
) -> bytes:
    """A request as bytes, in a lane, its length right."""
    length = b"content-length: %d" % len(body)
    head = [b"%b %b HTTP/1.1" % (method, path), b"host: x", b"x-agent-name: " + lane, *headers]
    return b"\r\n".join([*head, length, b"", body])


def chat_body(**changed: Any) -> bytes:
    return orjson.dumps({"messages": [{"role": "user", "content": "go on"}]} | changed)


def send_raw(replay: ReplayServer, request: bytes) -> tuple[int, Any]:
    """Send these bytes; the status and the JSON that come back. TimeoutError if none do."""
    with socket.create_connection((HOST, replay.port), timeout=TIMEOUT_S) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
            headers = dict(line.lower().split(b": ", 1) for line in iter(answer.readline, b"\r\n"))
            return status, orjson.loads(answer.read(int(headers[b"content-length"])))


def ask(replay: ReplayServer, lane: str) -> str:
    """The reply to a plain request."""
    asked = httpx.post(
        f"{replay.base_url}/chat/completions",
        content=chat_body(),
        headers={"x-agent-name": lane},
        timeout=TIMEOUT_S,
    )
    asked.raise_for_status()
    return str(asked.json()["choices"][0]["message"]["content"])


def error_message(told: Any) -> str:
    """The sentence in an error of the API's shape."""
    assert set(told["error"]) == {"message", "type", "param", "code"}
    return str(told["error"]["message"])
