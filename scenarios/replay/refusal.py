"""Explain why no line of a tape answers a request: nearest line, difference, and fix."""

import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from scenarios.tape.condition import Condition, SearchTimeoutError
from scenarios.tape.drift import compare_requests
from scenarios.tape.line import TapeLine
from scenarios.tape.request import Request
from scenarios.tape.suggestions import MAX_COMPARED_WORDS, closest_word, list_words
from scenarios.tape.tape import Tape

REFUSED_STATUS = 422
"""OpenAI's clients retry after 408, 409, 429 and 5xx, but not after 422."""
MAX_EXCERPT_CHARS = 160
"""How much of a request is shown."""
NEAREST_LINE_TIMEOUT_S = 1.0
"""How long the nearest line is searched: a lane may have a million lines."""


class RequestRefusedError(Exception):
    """A request that the tape does not answer, or that is invalid.

    Attributes:
        lane: The request's lane.
        nearest_line: The unplayed line that comes closest, if any.
        status: The HTTP status that the client gets.
        error_type: The error type that the client gets.
    """

    def __init__(
        self,
        message: str,
        lane: str,
        *,
        nearest_line: TapeLine | None = None,
        status: int = REFUSED_STATUS,
        error_type: str = "no_taped_line",
    ) -> None:
        super().__init__(message)
        self.lane = lane
        self.nearest_line = nearest_line
        self.status = status
        self.error_type = error_type


def no_line_error(
    tape: Tape, request: Request, call: int, unplayed: Sequence[TapeLine]
) -> RequestRefusedError:
    """Return the error for a request that none of the lane's `unplayed` lines answers."""
    lines = [line for line in tape.lines if line.lane == request.lane]
    head = f'lane "{request.lane}", call {call}: no line of {tape.file} answers this request.'
    if not lines:
        message = "\n".join([head, *_explain_unknown_lane(tape, request)])
        return RequestRefusedError(message, request.lane)
    played = len(lines) - len(unplayed)
    count = f"The lane has {_count_lines(len(lines))}, {played} of them played."
    request_end = f"The request ends with: {_quote_end(request.searchable_text)}"
    if not unplayed:
        last = f"Its last line is {lines[-1]}."
        fix = f"To fix it: add a line after {lines[-1].location}, then {_next_command(tape)}."
        return RequestRefusedError("\n".join([head, count, last, request_end, fix]), request.lane)
    nearest, difference = _nearest_line(request, unplayed)
    nearest_text = f"Nearest unplayed line: {nearest}\n  {difference}"
    if nearest.digest is None:
        fix = f"To fix it: edit {nearest.location}, then {_next_command(tape)}."
    else:
        fix = (
            "To fix it: record the tape again (python -m scenarios live … --record),"
            " or serve it with --tolerant."
        )
    message = "\n".join([head, count, nearest_text, request_end, fix])
    return RequestRefusedError(message, request.lane, nearest_line=nearest)


def unknown_path_error(tape: Tape, request: Request) -> RequestRefusedError:
    """Return the error for a path that is neither an API endpoint nor a service on the tape."""
    endpoint = f"{request.method} {_truncate(request.path)}"
    nearest = closest_word(endpoint, tape.endpoints)
    message = (
        f"{endpoint}: the tape {tape.file} has no such path.\n"
        f"It has: {list_words(tape.endpoints) or 'none'}"
        + (f"; nearest: {nearest}.\n" if nearest else ".\n")
        + f'To fix it: add a line with "method": "{request.method}" and "path": '
        f'"{_truncate(request.path)}", or request a path of the tape.'
    )
    return RequestRefusedError(message, request.lane, status=404)


def _explain_unknown_lane(tape: Tape, request: Request) -> list[str]:
    nearest = closest_word(request.lane, tape.lanes)
    suggestion = f"; nearest: {nearest}" if nearest else ""
    source = (
        "The client sent no x-agent-name header, so the lane is a fingerprint of its system prompt"
        " and tools."
        if request.lane.startswith("~")
        else "The lane comes from the client's x-agent-name header."
    )
    return [
        f"The tape has no such lane. It has: {list_words(tape.lanes) or 'none'}{suggestion}.",
        source,
        f'To fix it: add a line with "lane": "{request.lane}", then {_next_command(tape)}.',
    ]


def _nearest_line(request: Request, unplayed: Sequence[TapeLine]) -> tuple[TapeLine, str]:
    """Return the line that comes closest, as far as time permits, and why it does not answer."""
    until_s = time.monotonic() + NEAREST_LINE_TIMEOUT_S

    def closeness(line: TapeLine) -> float:
        if not line.serves_endpoint(request.method, request.path):
            return -1.0
        if line.when is None:
            return 1.0
        prefix, _ = _longest_matching_prefix(line.when, request.searchable_text, until_s)
        return len(prefix) / max(1, len(line.when.pattern))

    nearest = max(islice(unplayed, MAX_COMPARED_WORDS), key=closeness)
    if not nearest.serves_endpoint(request.method, request.path):
        return nearest, f"it answers {nearest.method} {nearest.path}, not {request.path}"
    try:
        if nearest.when is not None and not nearest.when.search(request.searchable_text):
            return nearest, _explain_mismatch(nearest.when, request.searchable_text)
    except SearchTimeoutError as error:
        return nearest, str(error)
    changes = compare_requests(nearest.request, request.canonical_body)
    description = "; ".join(change.description for change in changes)
    return nearest, f"the recorded request differs: {description}"


def _explain_mismatch(when: Condition, text: str) -> str:
    until_s = time.monotonic() + NEAREST_LINE_TIMEOUT_S
    prefix, found = _longest_matching_prefix(when, text, until_s)
    if not prefix:
        return "no part of its condition matches the conversation"
    return (
        f"its condition matches up to {prefix!r} (there the conversation has {found!r}), "
        f"but {when.pattern[len(prefix) :]!r} does not match"
    )


def _longest_matching_prefix(when: Condition, text: str, until_s: float) -> tuple[str, str]:
    """Return the longest prefix of the pattern that matches in `text`, and the text found there."""
    for end in range(len(when.pattern) - 1, 0, -1):
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            break
        try:
            match = Condition.compile(when.pattern[:end]).search(text, left_s)
        except (ValueError, SearchTimeoutError):
            continue
        if match and match.group():
            return when.pattern[:end], text[match.start() : match.end() + 40].split("\n")[0]
    return "", ""


def _next_command(tape: Tape) -> str:
    """Return the step after an edit: for a scenario's tape, or for one that is served alone."""
    path = Path(tape.file)
    if path.name == "tape.jsonl" and (path.parent / "scenario.py").exists():
        return f"python -m scenarios accept {path.parent.name}"
    return "restart the server"


def _count_lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _truncate(text: str) -> str:
    return text if len(text) <= MAX_EXCERPT_CHARS else text[: MAX_EXCERPT_CHARS - 1] + "…"


def _quote_end(text: str) -> str:
    return repr(text if len(text) <= MAX_EXCERPT_CHARS else "…" + text[-MAX_EXCERPT_CHARS:])
