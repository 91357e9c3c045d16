"""Build the line of a tape that holds a recorded exchange, without secrets and personal data.

The digest of a request is that of the original, so that the same request is answered when the tape
is replayed. A part of the path or the query that was redacted matches any text.
"""

import json
import re
import time
from bisect import bisect_left
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from scenarios.recording.tape_redaction import TapeRedaction
from scenarios.replay.openai_api.stream_assembly import assemble_stream
from scenarios.tape.line_validation import CONTENT_TYPE
from scenarios.tape.requests.recorded_request import to_pattern
from scenarios.tape.requests.request import CHAT_PATH, COMPLETION_PATHS, Request

FRAME_END = re.compile(rb"(?>\r\n|\n|\r){2}")
TEXT_CONTENT_TYPES = re.compile(r"text/|application/(?:.*json|.*xml|x-ndjson|javascript)|.*utf-8")


class PartTimes:
    """When the parts of a body arrived, in milliseconds since the request was sent.

    `start_ms` is when that was, since the recording began.
    """

    def __init__(self, recording_started_s: float) -> None:
        self._started_s = time.monotonic()
        self.start_ms = round((self._started_s - recording_started_s) * 1000)
        self._ends: list[int] = []
        self._ms: list[int] = []

    def add(self, part: bytes) -> None:
        """Note that a part has arrived."""
        self._ends.append((self._ends[-1] if self._ends else 0) + len(part))
        self._ms.append(round((time.monotonic() - self._started_s) * 1000))

    def at(self, offset: int) -> int:
        """Return when the byte before `offset` arrived."""
        number = bisect_left(self._ends, offset)
        return self._ms[number] if number < len(self._ms) else self.total_ms

    @property
    def total_ms(self) -> int:
        """When the last part arrived; 0 if there is none."""
        return self._ms[-1] if self._ms else 0


def explain_unrecordable(response: httpx.Response, body: bytes) -> str | None:
    """Return why a tape cannot hold an answer, whose text is in UTF-8; None if it can."""
    if not response.is_success:
        return f"status {response.status_code}; only successful answers are recorded"
    content_type = _content_type(response)
    invalid_at = body.find(b"\0")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        invalid_at = error.start
    if invalid_at < 0:
        return None
    kind = "binary"
    if TEXT_CONTENT_TYPES.match(content_type):
        kind = f"a text whose byte {invalid_at} is not UTF-8"
    return f"its answer is {kind} ({content_type or 'no content type'})"


def to_utf8(response: httpx.Response, body: bytes) -> bytes:
    """Return a body in UTF-8, in which a tape holds it; unchanged if it is in no known charset."""
    is_json = "json" in _content_type(response)
    charset = response.charset_encoding or (json.detect_encoding(body) if is_json else "utf-8")
    with suppress(UnicodeDecodeError, LookupError):
        return body.decode(charset.replace("utf-8-sig", "utf-8")).encode()
    return body


def build_line(
    request: Request,
    response: httpx.Response,
    body: bytes,
    redaction: TapeRedaction,
    times: PartTimes,
) -> bytes:
    """Return a recorded line as JSON, redacted."""
    taped_response, frames_ms = _taped_response(response, body, times)
    content = (
        assemble_stream(taped_response["frames"])
        if "frames" in taped_response
        else taped_response.get("body")
    )
    redaction.add_secrets_of_fields(content)
    model = (content.get("model") if isinstance(content, dict) else None) or request.model
    recorded: dict[str, Any] = {"model": redaction.redact_value(model)} if model else {}
    recorded |= {"at": datetime.now(UTC).isoformat(timespec="seconds")}
    recorded |= {"start_ms": times.start_ms, "ms": times.total_ms}
    recorded |= {"frames_ms": frames_ms} if frames_ms else {}
    line = {
        "lane": request.lane,
        "origin": "recorded",
        **_endpoint(request, redaction),
        "digest": request.digest,
        "request": redaction.redact_value(request.canonical_body),
        "response": {"status": response.status_code} | _redact_response(taped_response, redaction),
        "recorded": recorded,
    }
    return orjson.dumps(line)


def _endpoint(request: Request, redaction: TapeRedaction) -> dict[str, str]:
    """The path, the method and, since the digest covers only the body, a `when` for the query."""
    if request.path == CHAT_PATH and request.method == "POST":
        return {}
    target = f"{request.path}?{request.query}" if request.query else request.path
    redacted = redaction.redact_text(target)
    endpoint = {"path": redacted.partition("?")[0], "method": request.method}
    # The `when` of a completion is searched in its conversation.
    if request.query and request.path not in COMPLETION_PATHS:
        endpoint["when"] = f"^{to_pattern(f'{request.method} {redacted}')}$"
    return endpoint


def _taped_response(
    response: httpx.Response, body: bytes, times: PartTimes
) -> tuple[dict[str, Any], list[int]]:
    """Return the response as on a tape, and when each frame of a stream had arrived."""
    if "text/event-stream" in _content_type(response):
        frames, frames_ms = list[str](), list[int]()
        start = 0
        ends = [*((end.start(), end.end()) for end in FRAME_END.finditer(body)), (len(body),) * 2]
        for end, next_start in ends:
            if frame := body[start:end]:
                frames.append(frame.decode("utf-8", "replace"))
                frames_ms.append(times.at(next_start))
            start = next_start
        return {"frames": frames}, frames_ms
    with suppress(orjson.JSONDecodeError):
        value = orjson.loads(body)
        # orjson rounds integers of more than 64 bits; a lone value, such as 1.10, stays as it is.
        if isinstance(value, dict | list) and value == json.loads(body):
            return {"body": value}, []
    media_type = re.split("[;,]", _content_type(response))[0].strip()
    is_plain = media_type == "text/plain" or not CONTENT_TYPE.fullmatch(media_type)
    content_type = {} if is_plain else {"content_type": media_type}
    return {"text": body.decode("utf-8", "replace")} | content_type, []


def _content_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).lower()


def _redact_response(response: dict[str, Any], redaction: TapeRedaction) -> dict[str, Any]:
    if "frames" in response:
        return {"frames": redaction.redact_frames(response["frames"])}
    return {key: redaction.redact_value(value) for key, value in response.items()}
