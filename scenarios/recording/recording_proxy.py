"""A proxy in front of a live endpoint that records each successful exchange as a line of a tape.

    with record_tape("https://api.openai.com/v1", Path("tape.jsonl")) as recorder:
        OpenAI(base_url=recorder.base_url).chat.completions.create(…)

`use_tape` in `scenarios/programs/use_tape.py` does more: modes, several endpoints, replay.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from scenarios.recording.endpoint import Endpoint
from scenarios.recording.recorder import Recorder
from scenarios.recording.tape_writer import TapeWriter
from scenarios.replay.http_server.connection import (
    JSON_CONTENT_TYPE,
    MAX_BODY_MIB,
    BodyTooLargeError,
    Connection,
    Receive,
    Scope,
    Send,
)
from scenarios.replay.http_server.forwarding import UnknownStatusError
from scenarios.replay.http_server.server import HOST, serve_app
from scenarios.replay.openai_api.errors import error_body


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
    base_path = urlsplit(upstream_url).path.rstrip("/")
    writer = TapeWriter(tape_path)
    recorder = Recorder([Endpoint(base_path, upstream_url, lane)], writer)
    with serve_recorder(recorder) as port:
        yield TapeRecorder(f"http://{HOST}:{port}{base_path}", tape_path)
    writer.raise_errors()


@contextmanager
def serve_recorder(recorder: Recorder, port: int = 0) -> Generator[int]:
    """Serve a recorder on 127.0.0.1 until the block ends; yield the port.

    Raises:
        OSError: The port is in use.
    """
    app = _RecordingApp(recorder)
    with serve_app(app, port, on_close=recorder.aclose, on_stop=recorder.stop) as port:
        yield port


class _RecordingApp:
    """The proxy's ASGI application."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection(scope, receive, send)
        try:
            body = await connection.read_body()
            if body is None:
                return
            await self._recorder.forward(scope, body, connection)
        except BodyTooLargeError:
            message = f"A request body larger than {MAX_BODY_MIB} MiB cannot be recorded."
            await connection.send_response(413, JSON_CONTENT_TYPE, error_body(message))
            return
        except UnknownStatusError as error:
            await connection.send_response(error.status, JSON_CONTENT_TYPE, error_body(str(error)))
            return
        except httpx.TransportError:
            await connection.break_connection()
            return
        await connection.send_part(b"", more=False)
