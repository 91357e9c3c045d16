"""Send raw bytes to a replay server: requests that no HTTP client would send."""

import socket
from typing import Any

import httpx
import orjson

from scenarios.replay.http_server.server import HOST
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
    """Return the bytes of a request with the correct content length."""
    length = b"content-length: %d" % len(body)
    head = [
        b"%b %b HTTP/1.1" % (method, path),
        b"host: 127.0.0.1",
        b"x-agent-name: " + lane,
        *headers,
    ]
    return b"\r\n".join([*head, length, b"", body])


def chat_body(**fields: Any) -> bytes:
    """Return the JSON body of a valid chat request; `fields` are added or replaced."""
    return orjson.dumps({"messages": [{"role": "user", "content": "go on"}]} | fields)


def send_raw(replay: ReplayServer, request: bytes) -> tuple[int, Any]:
    """Send bytes and return the status and JSON body of the answer; `TimeoutError` without one."""
    with socket.create_connection((HOST, replay.port), timeout=TIMEOUT_S) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
            headers = dict(line.lower().split(b": ", 1) for line in iter(answer.readline, b"\r\n"))
            return status, orjson.loads(answer.read(int(headers[b"content-length"])))


def ask(replay: ReplayServer, lane: str) -> str:
    """Send a valid chat request in a lane and return the content of the answer."""
    response = httpx.post(
        f"{replay.base_url}/chat/completions",
        content=chat_body(),
        headers={"x-agent-name": lane},
        timeout=TIMEOUT_S,
    )
    response.raise_for_status()
    return str(response.json()["choices"][0]["message"]["content"])


def error_message(body: Any) -> str:
    """Return the message of an error body, which must have the API's shape."""
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return str(body["error"]["message"])
