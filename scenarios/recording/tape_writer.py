"""Write recorded exchanges to a tape, one line each, without secrets and personal data.

The digest of a request is that of the original, so that the same request is answered when the tape
is replayed. A part of the path or the query that was redacted matches any text.
"""

import os
import re
from datetime import UTC, datetime
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import orjson

from scenarios.openai_api.stream_assembly import assemble_stream
from scenarios.recording.tape_redaction import TapeRedaction
from scenarios.tape.redacted_path import to_pattern
from scenarios.tape.request import CHAT_PATH, Request

FRAME_END = re.compile(r"\r\n\r\n|\n\n|\r\r")


def open_tape(path: Path) -> BinaryIO:
    """Open a tape to append to it, unbuffered. A new one is private: prompts are on it."""

    def open_private(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    return open(path, "a+b", buffering=0, opener=open_private)


class TapeWriter:
    """Appends lines to a tape; `errors` lists why lines could not be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.errors: list[str] = []

    def append(self, line: bytes) -> None:
        """Append a complete line, or nothing: a line that does not fit on the disk is removed."""
        try:
            with open_tape(self._path) as tape:
                end = tape.seek(0, SEEK_END)
                tape.seek(max(0, end - 1))
                left = (b"" if tape.read() in (b"", b"\n") else b"\n") + line + b"\n"
                try:
                    while left:
                        left = left[tape.write(left) :]
                except OSError:
                    tape.truncate(end)
                    raise
        except OSError as error:
            self.errors.append(error.strerror or str(error))


def build_line(
    request: Request, response: httpx.Response, body: bytes, redaction: TapeRedaction
) -> bytes:
    """Return a recorded line as JSON, redacted."""
    taped_response = _taped_response(response, body)
    content = (
        assemble_stream(taped_response["frames"])
        if "frames" in taped_response
        else taped_response.get("body")
    )
    redaction.add_secrets_of_fields(content)
    model = (content.get("model") if isinstance(content, dict) else None) or request.model
    time = datetime.now(UTC).isoformat(timespec="seconds")
    line = {
        "lane": request.lane,
        "origin": "recorded",
        **_endpoint(request, redaction),
        "digest": request.digest,
        "request": redaction.redact_value(request.canonical_body),
        "response": {"status": response.status_code} | _redact_response(taped_response, redaction),
        "recorded": ({"model": redaction.redact_value(model)} if model else {}) | {"at": time},
    }
    return orjson.dumps(line)


def _endpoint(request: Request, redaction: TapeRedaction) -> dict[str, str]:
    """The path, the method and, since the digest covers only the body, a `when` for the query."""
    target = f"{request.path}?{request.query}" if request.query else request.path
    redacted = redaction.redact_text(target)
    endpoint = {}
    if request.path != CHAT_PATH:
        endpoint = {"path": redacted.partition("?")[0], "method": request.method}
    if request.query:
        endpoint["when"] = f"^{to_pattern(f'{request.method} {redacted}')}$"
    return endpoint


def _taped_response(response: httpx.Response, body: bytes) -> dict[str, Any]:
    text = body.decode("utf-8", "replace")
    if "text/event-stream" in response.headers.get("content-type", ""):
        return {"frames": [frame for frame in FRAME_END.split(text) if frame]}
    try:
        return {"body": orjson.loads(body)}
    except orjson.JSONDecodeError:
        return {"text": text}


def _redact_response(response: dict[str, Any], redaction: TapeRedaction) -> dict[str, Any]:
    if "frames" in response:
        return {"frames": redaction.redact_frames(response["frames"])}
    return {key: redaction.redact_value(value) for key, value in response.items()}
