"""A recorder: a proxy before a live endpoint that writes each exchange down as a line of a tape.

Requests and answers pass as they are, headers and key included; on the tape stand neither. A tape
holds answers: what ends in an error status or breaks off is passed on and not written down.
"""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from os import SEEK_END
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from scenarios.http_server.connection import (
    MAX_BODY_MIB,
    BodyTooLargeError,
    Connection,
    Receive,
    Scope,
    Send,
)
from scenarios.http_server.forwarding import ForwardingClient, decode_headers, request_target
from scenarios.http_server.server import HOST, serve_app
from scenarios.replay.answer import JSON_CONTENT_TYPE
from scenarios.replay.openai_api.errors import error_body
from scenarios.replay.openai_api.stream_assembly import assemble_stream
from scenarios.tape.lane import parse_request
from scenarios.tape.request import CHAT_PATH, MODELS_PATH, Request, to_sorted_json
from scenarios.tape.tape import TapeError

SECRET_HEADERS = frozenset({"authorization", "api-key", "x-api-key", "cookie"})
FRAME_END = re.compile(r"\r\n\r\n|\n\n|\r\r")


@dataclass(frozen=True)
class TapeRecorder:
    """Where the proxy stands; what passes it is appended to `tape`."""

    base_url: str
    tape_path: Path


@contextmanager
def record_tape(
    upstream_url: str, tape_path: Path, lane: str | None = None
) -> Generator[TapeRecorder]:
    """Forward to `upstream`, an OpenAI client's base URL; append what it answers to `tape`.

    Raises `TapeError` at the end where an answer could not be written: the run had it all the same.
    The proxy has the paths of the endpoint, whatever they begin with (`/v1`, `/v1beta/openai`).
    An outside service, which sends no lane, is given `lane`.
    """
    parts = urlsplit(upstream_url)
    base = parts.path.rstrip("/")
    app = _RecordingApp(f"{parts.scheme}://{parts.netloc}", base, tape_path, lane)
    with serve_app(app, on_close=app.upstream.aclose) as port:
        yield TapeRecorder(f"http://{HOST}:{port}{base}", tape_path)
    if app.write_errors:
        raise TapeError(
            f"{tape_path}: {len(app.write_errors)} of the answers could not be written and are not on the tape"
            f" ({app.write_errors[0]}); make room, and record it anew"
        )


class _RecordingApp:
    def __init__(self, origin: str, base: str, tape: Path, lane: str | None) -> None:
        self.upstream = ForwardingClient(origin)
        self._base_path = base
        self._tape_path = tape
        self._lane = lane
        self.write_errors: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = Connection(scope, receive, send)
        try:
            body = await wire.read_body()
        except BodyTooLargeError:
            await wire.send_response(
                413, JSON_CONTENT_TYPE, error_body(f"More than {MAX_BODY_MIB} MiB is not recorded.")
            )
            return
        if body is None:
            return
        path = scope["path"].removeprefix(self._base_path)
        request = parse_request({**scope, "path": path}, body, self._lane_for_path)
        asked = request_target(scope["raw_path"].decode("latin-1"), request.query)
        try:
            response, whole = await self.upstream.forward(scope, asked, body, wire)
        except httpx.TransportError:
            await wire.break_connection()
            return
        try:
            if response.is_success and not request.path.startswith(MODELS_PATH):
                secrets = _find_secrets(decode_headers(scope))
                self._append_line(_remove_secrets(_build_line(request, response, whole), secrets))
        finally:
            await wire.send_part(
                b"", more=False
            )  # the client has its answer, whatever becomes of ours

    def _lane_for_path(self, method: str, path: str, named: str | None) -> str | None:
        return self._lane or named

    def _append_line(self, line: bytes) -> None:
        try:
            with self._tape_path.open("a+b", buffering=0) as tape:
                end = tape.seek(0, SEEK_END)
                tape.seek(max(0, end - 1))
                left = (b"" if tape.read() in (b"", b"\n") else b"\n") + line + b"\n"
                try:
                    while left:
                        left = left[tape.write(left) :]
                except OSError:
                    tape.truncate(end)  # the disk is full: better no line than half of one
                    raise
        except OSError as full:
            self.write_errors.append(full.strerror or str(full))


def _build_line(request: Request, response: httpx.Response, whole: bytes) -> dict[str, Any]:
    said = _taped_response(response, whole)
    body = assemble_stream(said["frames"]) if "frames" in said else said.get("body")
    answered = body.get("model") if isinstance(body, dict) else None
    elsewhere = (
        {"path": request.path, "method": request.method} if request.path != CHAT_PATH else {}
    )
    if request.query:  # of which the digest, that of a body, does not know
        elsewhere["when"] = f"^{re.escape(f'{request.method} {request.path}?{request.query}')}$"
    recorded = {"model": answered or request.model} if answered or request.model else {}
    return {
        "lane": request.lane,
        "origin": "recorded",
        **elsewhere,
        "digest": request.digest,
        "request": request.canonical_body,
        "response": {"status": response.status_code} | said,
        "recorded": recorded | {"at": datetime.now(UTC).isoformat(timespec="seconds")},
    }


def _taped_response(response: httpx.Response, whole: bytes) -> dict[str, Any]:
    text = whole.decode("utf-8", "replace")
    if "text/event-stream" in response.headers.get("content-type", ""):
        return {"frames": [frame for frame in FRAME_END.split(text) if frame]}
    try:
        return {"body": orjson.loads(whole)}
    except orjson.JSONDecodeError:
        return {"text": text}


def _remove_secrets(line: dict[str, Any], secrets: list[str]) -> bytes:
    """The line as JSON without what it may repeat of the key that it was asked with.

    A stream that spells a secret across its frames is written as one body, where it can be found.
    """
    response = line["response"]
    if "frames" in response:
        body = assemble_stream(response["frames"])
        if any(secret in to_sorted_json(body) for secret in secrets):
            line = line | {"response": {"status": response["status"], "body": body}}
    text = orjson.dumps(line).decode()
    for secret in secrets:
        text = text.replace(secret, "[removed]")
    return text.encode()


def _find_secrets(headers: Mapping[str, str]) -> list[str]:
    """What headers hold that no tape may show; words of a length that no text has by chance."""
    values = (headers[name] for name in headers if name in SECRET_HEADERS)
    return [word for value in values for word in re.split(r"[\s;=]+", value) if len(word) >= 8]
