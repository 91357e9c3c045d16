"""A proxy in front of a live endpoint that records each successful exchange as a line of a tape.

Requests and responses pass unchanged, with their headers and keys. Headers are not written to the
tape; paths, queries, bodies and streams are, redacted as traces are (see `tape_redaction.py`).
Responses with an error status, or that break off, are passed on, not recorded.

    with record_tape("https://api.openai.com/v1", Path("tape.jsonl")) as recorder:
        OpenAI(base_url=recorder.base_url).chat.completions.create(…)
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from scenarios.http_server.connection import (
    JSON_CONTENT_TYPE,
    MAX_BODY_MIB,
    BodyTooLargeError,
    Connection,
    Receive,
    Scope,
    Send,
)
from scenarios.http_server.forwarding import (
    ForwardingClient,
    UndecodableBodyError,
    decode_body,
    decode_headers,
    request_target,
)
from scenarios.http_server.server import HOST, serve_app
from scenarios.openai_api.errors import error_body
from scenarios.recording.tape_redaction import TapeRedaction
from scenarios.recording.tape_writer import TapeWriter, build_line
from scenarios.replay.request_parsing import parse_request
from scenarios.tape.request import MODELS_PATH, Request
from scenarios.tape.tape import TapeError


@dataclass(frozen=True)
class TapeRecorder:
    """A running proxy: the `base_url` for an OpenAI client, and the tape that it writes."""

    base_url: str
    tape_path: Path


@contextmanager
def record_tape(
    upstream_url: str, tape_path: Path, lane: str | None = None
) -> Generator[TapeRecorder]:
    """Run a recording proxy on 127.0.0.1 until the block ends.

    Args:
        upstream_url: The endpoint's base URL, as for an OpenAI client. The proxy has the same paths
            (`/v1`, `/v1beta/openai`, …).
        tape_path: The tape. Lines are appended to it.
        lane: The lane of an outside service, whose clients send no lane.

    Raises:
        TapeError: When the block ends, if exchanges could not be written. The program got its
            answers all the same.
    """
    parts = urlsplit(upstream_url)
    base_path = parts.path.rstrip("/")
    writer = TapeWriter(tape_path)
    app = _RecordingApp(f"{parts.scheme}://{parts.netloc}", base_path, writer, lane)
    with serve_app(app, on_close=app.upstream.aclose) as port:
        yield TapeRecorder(f"http://{HOST}:{port}{base_path}", tape_path)
    if writer.errors:
        raise TapeError(
            f"{tape_path}: {len(writer.errors)} of the answers could not be written to the tape"
            f" ({writer.errors[0]}); remove the cause and record it again"
        )


class _RecordingApp:
    """The proxy's ASGI application."""

    def __init__(self, origin: str, base_path: str, writer: TapeWriter, lane: str | None) -> None:
        self.upstream = ForwardingClient(origin)
        self._base_path = base_path
        self._writer = writer
        self._lane = lane
        self._redaction = TapeRedaction()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection(scope, receive, send)
        try:
            body = await connection.read_body()
        except BodyTooLargeError:
            message = f"A request body larger than {MAX_BODY_MIB} MiB cannot be recorded."
            await connection.send_response(413, JSON_CONTENT_TYPE, error_body(message))
            return
        if body is None:
            return
        request = self._parse_request(scope, body)
        target = request_target(scope["raw_path"].decode("latin-1"), request.query)
        try:
            response, content = await self.upstream.forward(scope, target, body, connection)
        except httpx.TransportError:
            await connection.break_connection()
            return
        try:
            if response.is_success and not request.path.startswith(MODELS_PATH):
                self._record(request, response, content)
        finally:
            # The client gets the end of its answer, even if recording fails.
            await connection.send_part(b"", more=False)

    def _parse_request(self, scope: Scope, body: bytes) -> Request:
        """Parse a request, and remember its secrets before anything else is recorded."""
        headers, path = decode_headers(scope), scope["path"].removeprefix(self._base_path)
        with suppress(UndecodableBodyError):  # the endpoint decides; the tape keeps it as text
            body = decode_body(headers, body)
        request = parse_request({**scope, "path": path}, body, self._lane_for_path)
        self._redaction.add_secrets_of_request(request, headers)
        return request

    def _record(self, request: Request, response: httpx.Response, body: bytes) -> None:
        try:
            content = decode_body(response.headers, body)
        except UndecodableBodyError as error:
            self._writer.errors.append(str(error))
        else:
            self._writer.append(build_line(request, response, content, self._redaction))

    def _lane_for_path(self, method: str, path: str, agent: str | None) -> str | None:
        return self._lane or agent
