"""Write recorded exchanges to a tape, one line each, without the secrets of their requests."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from os import SEEK_END
from pathlib import Path
from typing import Any

import httpx
import orjson

from scenarios.openai_api.stream_assembly import assemble_stream
from scenarios.tape.request import CHAT_PATH, Request, to_sorted_json

SECRET_HEADERS = frozenset({"authorization", "api-key", "x-api-key", "cookie"})
MIN_SECRET_CHARS = 8
"""Shorter words of a secret header, such as "Bearer", may appear in any text by chance."""
FRAME_END = re.compile(r"\r\n\r\n|\n\n|\r\r")


class TapeWriter:
    """Appends lines to a tape; `errors` lists why lines could not be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.errors: list[str] = []

    def append(self, line: bytes) -> None:
        """Append a complete line, or nothing: a line that does not fit on the disk is removed."""
        try:
            with self._path.open("a+b", buffering=0) as tape:
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
    request: Request, headers: Mapping[str, str], response: httpx.Response, body: bytes
) -> bytes:
    """Return a recorded line as JSON, without the secrets in the request's `headers`."""
    taped_response = _taped_response(response, body)
    content = (
        assemble_stream(taped_response["frames"])
        if "frames" in taped_response
        else taped_response.get("body")
    )
    model = (content.get("model") if isinstance(content, dict) else None) or request.model
    endpoint = {"path": request.path, "method": request.method} if request.path != CHAT_PATH else {}
    if request.query:  # the digest covers only the body
        endpoint["when"] = f"^{re.escape(f'{request.method} {request.path}?{request.query}')}$"
    time = datetime.now(UTC).isoformat(timespec="seconds")
    line = {
        "lane": request.lane,
        "origin": "recorded",
        **endpoint,
        "digest": request.digest,
        "request": request.canonical_body,
        "response": {"status": response.status_code} | taped_response,
        "recorded": ({"model": model} if model else {}) | {"at": time},
    }
    return _remove_secrets(line, _find_secrets(headers))


def _taped_response(response: httpx.Response, body: bytes) -> dict[str, Any]:
    text = body.decode("utf-8", "replace")
    if "text/event-stream" in response.headers.get("content-type", ""):
        return {"frames": [frame for frame in FRAME_END.split(text) if frame]}
    try:
        return {"body": orjson.loads(body)}
    except orjson.JSONDecodeError:
        return {"text": text}


def _find_secrets(headers: Mapping[str, str]) -> list[str]:
    """Return the words of the secret headers that are long enough to be secrets."""
    values = (headers[name] for name in headers if name in SECRET_HEADERS)
    words = (word for value in values for word in re.split(r"[\s;=]+", value))
    return [word for word in words if len(word) >= MIN_SECRET_CHARS]


def _remove_secrets(line: dict[str, Any], secrets: list[str]) -> bytes:
    """Return the line as JSON, each secret replaced by `[removed]`.

    A stream that spreads a secret over several frames is written as one body, in which it is found.
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
