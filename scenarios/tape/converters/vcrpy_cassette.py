"""Convert cassettes of vcrpy (YAML, version 1) to tapes and back.

Source: https://vcrpy.readthedocs.io and `vcr.serializers.yamlserializer`. Cassettes that httpx
recorded with vcrpy before version 6 have `content` and `status_code` in the response.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import yaml  # type: ignore[import-untyped]  # it ships no annotations

from scenarios.recording.recorded_line import PartTimes, build_line
from scenarios.recording.tape_redaction import TapeRedaction
from scenarios.replay.exchange.request_parsing import parse_request
from scenarios.replay.http_server.connection import BodyTooLargeError
from scenarios.replay.http_server.forwarding import (
    MAX_STATUS,
    MIN_STATUS,
    UndecodableBodyError,
    decode_body,
)
from scenarios.tape.converters.converted import ConversionError, Converted, Loss
from scenarios.tape.header import LaneRule, TapeHeader
from scenarios.tape.lanes.lane_names import LaneNames
from scenarios.tape.line import TapeLine
from scenarios.tape.placeholders import fill_captures, placeholder_names
from scenarios.tape.requests.request import COMPLETION_PATHS, EMBEDDINGS_PATH, Request
from scenarios.tape.tape import Tape

OPENAI_URL = "https://api.openai.com"
OPENAI_SUFFIXES = {path.removeprefix("/v1"): path for path in (*COMPLETION_PATHS, EMBEDDINGS_PATH)}
HEADERS_LOSS = (
    "headers are not on a tape, except for the agent's name; secrets in them and in bodies are"
    " redacted"
)


def to_tape(cassette: Any) -> Converted:
    """Convert a cassette: each interaction becomes a recorded line, in its lane.

    Raises:
        ConversionError: It is not a cassette of version 1.
    """
    interactions = cassette.get("interactions")
    if cassette.get("version", 1) != 1 or not isinstance(interactions, list):
        raise ConversionError(
            "expected a vcrpy cassette of version 1 with a list of `interactions`; found version"
            f" {cassette.get('version')!r}"
        )
    rules: dict[str, LaneRule] = {}
    names, redaction = LaneNames(None, rules.__setitem__), TapeRedaction()
    lines, losses = list[bytes](), list[Loss]()
    for number, interaction in enumerate(interactions, 1):
        place = f"interaction {number}"
        try:
            lines.append(_to_line(interaction, names, redaction))
        except (UndecodableBodyError, BodyTooLargeError) as error:
            losses.append(Loss(place, f"its body cannot be decoded ({error}); it has no line"))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            losses.append(
                Loss(place, f"not as vcrpy writes it ({type(error).__name__}: {error}); no line")
            )
    if lines:
        losses.append(Loss("all interactions", HEADERS_LOSS))
    header = TapeHeader(rules).to_json()
    content = b"".join(line + b"\n" for line in ([orjson.dumps(header)] if header else []) + lines)
    return Converted(content.decode(), len(lines), tuple(losses))


def _to_line(interaction: Mapping[str, Any], names: LaneNames, redaction: TapeRedaction) -> bytes:
    sent, received = interaction["request"], interaction["response"]
    parts = urlsplit(sent["uri"])
    headers = _headers(sent.get("headers"))
    suffix = next((end for end in OPENAI_SUFFIXES if parts.path.endswith(end)), None)
    scope = {
        "method": sent["method"],
        "path": OPENAI_SUFFIXES[suffix] if suffix else parts.path,
        "query_string": parts.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    body = decode_body(headers, _as_bytes(sent.get("body")))
    request = parse_request(
        scope,
        body,
        lambda _method, path, agent: agent or str(parts.hostname),
        lambda fields, agent: (names.lane_for_agent(fields, agent), ""),
    )
    redaction.add_secrets_of_request(request, headers)
    response_headers = _headers(received.get("headers"))
    status = received.get("status_code") or received["status"]["code"]
    if not MIN_STATUS <= status <= MAX_STATUS:
        raise ValueError(f"status {status} is not that of an HTTP response")
    content = received["content"] if "content" in received else received["body"]["string"]
    # vcrpy may have decoded the body and left the header.
    raw = _as_bytes(content)
    with suppress(UndecodableBodyError):
        raw = decode_body(response_headers, raw)
    response_headers.pop("content-encoding", None)
    response = httpx.Response(status, headers=response_headers)
    line = orjson.loads(build_line(request, response, raw, redaction, PartTimes(0)))
    line["recorded"] = {key: line["recorded"][key] for key in ("model",) if key in line["recorded"]}
    return orjson.dumps(line)


def _headers(headers: Any) -> dict[str, str]:
    """The headers with names in small letters; of several values, the first."""
    found = {}
    for name, value in (headers or {}).items():
        found[str(name).lower()] = str(value[0] if isinstance(value, list) else value)
    return found


def _as_bytes(body: Any) -> bytes:
    if isinstance(body, Mapping):  # old cassettes keep bytes in base64, or text under a key
        body = body.get("string", body.get("base64_string"))
    return body if isinstance(body, bytes) else str(body or "").encode()


def from_tape(tape: Tape) -> Converted:
    """Convert a tape: each line that has one fixed answer becomes an interaction."""
    losses = list[Loss]()
    interactions = [one for line in tape.lines if (one := _to_interaction(line, losses))]
    if len(tape.lanes) > 1 and interactions:
        text = (
            "a cassette has no lanes: vcrpy answers by method and URI, in the order of the file, so"
            " parallel agents may swap replies"
        )
        losses.append(Loss("all lines", text))
    content = yaml.safe_dump(
        {"interactions": interactions, "version": 1}, allow_unicode=True, sort_keys=False
    )
    return Converted(content, len(interactions), tuple(losses))


def _to_interaction(line: TapeLine, losses: list[Loss]) -> dict[str, Any] | None:
    response = _fixed_response(line, losses)
    if response is None:
        return None
    if line.digest is None:
        losses.append(Loss(line.location, "its request is not whole: match_on 'body' fails"))
    else:
        losses.append(
            Loss(line.location, "its request has no model, stream or user: match_on 'body' fails")
        )
    status, content_type, text = response
    is_openai = line.path in (*COMPLETION_PATHS, EMBEDDINGS_PATH)
    origin = OPENAI_URL if is_openai else f"https://{line.lane}"
    body = None if line.request is None else orjson.dumps(line.request).decode()
    return {
        "request": {
            "body": body,
            "headers": {"Content-Type": ["application/json"]},
            "method": line.method,
            "uri": f"{origin}{line.path}",
        },
        "response": {
            "body": {"string": text},
            "headers": {"Content-Type": [content_type]},
            "status": {"code": status, "message": httpx.codes.get_reason_phrase(status)},
        },
    }


def _fixed_response(line: TapeLine, losses: list[Loss]) -> tuple[int, str, str] | None:
    """The status, content type and text of a line's answer; None if it depends on the request."""
    if line.response is not None:
        status = line.response.get("status", 200)
        if "frames" in line.response:
            frames = "".join(f"{frame}\n\n" for frame in line.response["frames"])
            return status, "text/event-stream", frames
        if "text" in line.response:
            return status, "text/plain", line.response["text"]
        return status, "application/json", orjson.dumps(line.response["body"]).decode()
    if names := sorted(set(placeholder_names([line.path, line.reply]))):
        text = f"its reply uses ${{{names[0]}}}, which a cassette cannot fill; it was left out"
        losses.append(Loss(line.location, text))
        return None
    if line.when is not None:
        losses.append(Loss(line.location, "its condition (`when`) is not carried over"))
    return _scripted_response(line)


def _scripted_response(line: TapeLine) -> tuple[int, str, str]:
    """The answer to a plain request of the line's endpoint."""
    from scenarios.replay.exchange.answer import build_answer
    from scenarios.replay.selection.line_selector import SelectedLine

    reply = fill_captures(line.reply, {})
    body: dict[str, Any] = {"messages": []} if line.path in COMPLETION_PATHS else {"input": ""}
    request = Request(line.lane, line.method, line.path, "", body)
    answer = build_answer(request, SelectedLine(line, {}))
    status = reply.get("status", answer.status)
    return status, answer.content_type.decode(), answer.body.decode()
