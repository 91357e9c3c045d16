"""Redact recorded exchanges as traces are redacted, and remove the secrets that a client sent.

A key is found by its format or by the name of its field. An endpoint may repeat it elsewhere, where
neither gives it away: in a message, in a path, in the answer to a later request. So the values of
secret headers and fields are removed from everything that is recorded after they were sent.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import orjson

from instrumentation.redaction import DEFAULT_REDACTION, Redaction, RedactionPattern
from scenarios.tape.requests.request import Request
from workflows.model import AGENT_HEADER

PUBLIC_HEADERS = re.compile(
    rf"accept|accept-.*|baggage|cache-control|connection|content-.*|date|expect|host|http-referer"
    rf"|keep-alive|openai-.*|origin|pragma|referer|te|tracestate|traceparent|transfer-encoding"
    rf"|user-agent|x-forwarded-.*|x-stainless-.*|x-title|{AGENT_HEADER}"
)
SECRET_HEADERS = re.compile(r".*(?:auth|key|token|secret|cookie|pass|credential|signature).*")
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
OPAQUE_WORD = re.compile(r"(?=\S*\d)\S{8,}|\S{20,}")
SECRET_WORD = re.compile(r"\S{8,}|(?=\S*\d)(?=\S*[A-Za-z])\S{5,}")
"""Shorter words of a secret header, such as "Bearer", may appear in any text by chance."""

MULTIPART_FIELD = re.compile(
    r'; name="([^"\r\n]+)"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)\r\n--'
)


class TapeRedaction:
    """Redacts exchanges, and remembers the secrets that were sent so far."""

    def __init__(self) -> None:
        self._redaction = DEFAULT_REDACTION
        self._secrets: set[str] = set()

    def add_secrets_of_request(self, request: Request, headers: Mapping[str, str]) -> None:
        """Remember the secrets in a request's headers, query and body."""
        self.add_secrets_of_headers(headers)
        self._add(_secrets_in_query(request.query))
        if isinstance(request.body, str):
            self._add(_secrets_in_query(request.body))
            self._add(_secrets_in_multipart(request.body))
        else:
            self.add_secrets_of_fields(request.body)

    def add_secrets_of_headers(self, headers: Mapping[str, str]) -> None:
        """Remember the secrets in a request's headers."""
        self._add(_secrets_in_headers(headers))

    def add_secrets_of_fields(self, body: Any) -> None:
        """Remember the values of secret fields in a JSON body."""
        self._add(_secrets_in_fields(body, DEFAULT_REDACTION.redact_value(body)))

    def redact_text(self, text: str) -> str:
        return self._redaction.redact_text(text)

    def redact_value(self, value: Any) -> Any:
        return self._redaction.redact_value(value)

    def redact_frames(self, frames: list[str]) -> list[str]:
        """Redact a stream: what is split over its events, and each event by itself."""
        return [self._redact_frame(frame) for frame in self._redaction.redact_chunks(frames)]

    def _redact_frame(self, frame: str) -> str:
        as_text = self.redact_text(frame)
        if as_text is frame:
            return frame
        before, field, data = frame.partition("data:")
        try:
            redacted = self.redact_value(orjson.loads(data))
        except orjson.JSONDecodeError:
            return as_text
        return f"{before}{field} {orjson.dumps(redacted).decode()}"

    def _add(self, secrets: Iterator[str]) -> None:
        new = {secret for secret in secrets if SECRET_WORD.fullmatch(secret)} - self._secrets
        if new:
            self._secrets |= new
            self._redaction = _with_secrets(self._secrets)


def _with_secrets(secrets: set[str]) -> Redaction:
    """The default redaction, and one pattern for each secret, the longest first."""
    patterns = [
        RedactionPattern(
            DEFAULT_REDACTION.fields.name,
            re.compile(re.escape(secret)),
            (secret.encode("ascii", "replace").lower(),),
        )
        for secret in sorted(secrets, key=len, reverse=True)
    ]
    return DEFAULT_REDACTION.with_patterns(*patterns)


def _secrets_in_headers(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield the words of secret headers, and the opaque words of headers of unknown meaning."""
    for name, value in headers.items():
        words = re.split(r"[\s;=,]+", value)
        if SECRET_HEADERS.fullmatch(name):
            yield from (word.strip('"') for word in (value, *words))
            yield from _basic_password(words)
        elif not PUBLIC_HEADERS.fullmatch(name):
            yield from (
                word for word in words if OPAQUE_WORD.fullmatch(word) and not UUID.fullmatch(word)
            )


def _basic_password(words: list[str]) -> Iterator[str]:
    """Yield the password of `Basic …`, RFC 7617."""
    if len(words) > 1 and words[0].lower() == "basic":
        try:
            decoded = base64.b64decode(words[1] + "==").decode("utf-8", "replace")
        except binascii.Error:
            return
        yield decoded.partition(":")[2]


def _secrets_in_query(query: str) -> Iterator[str]:
    """Yield the values of a query or a form that redaction would remove because of their name."""
    for name, value in parse_qsl(query):
        if value not in DEFAULT_REDACTION.redact_text(f"?{name}={value}"):
            yield value


def _secrets_in_multipart(body: str) -> Iterator[str]:
    """Yield the values of secret fields in a multipart form, RFC 7578."""
    for name, value in MULTIPART_FIELD.findall(body):
        if DEFAULT_REDACTION.is_secret_field(name, value):
            yield value


def _secrets_in_fields(value: Any, redacted: Any) -> Iterator[str]:
    """Yield the texts for which the redacted value has the placeholder of secret fields."""
    match value, redacted:
        case str(), DEFAULT_REDACTION.field_placeholder:
            yield value
        case str(), str() if value != redacted and value[:1] in ("{", "["):
            with suppress(orjson.JSONDecodeError):
                yield from _secrets_in_fields(orjson.loads(value), orjson.loads(redacted))
        case dict(), dict():
            for inner, new in zip(value.values(), redacted.values(), strict=True):
                yield from _secrets_in_fields(inner, new)
        case list(), list():
            for inner, new in zip(value, redacted, strict=True):
                yield from _secrets_in_fields(inner, new)
