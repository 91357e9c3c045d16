"""Refused: a request that no line of the tape answers, and what a person can do about it."""

import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from scenarios.tape.condition import Condition, SearchTimeoutError
from scenarios.tape.drift import compare_requests
from scenarios.tape.json_checks import MAX_COMPARED_WORDS, closest_word, list_words
from scenarios.tape.line import TapeLine
from scenarios.tape.request import Request
from scenarios.tape.tape import Tape

REFUSED_STATUS = 422
"""No OpenAI client tries again after it, as it does after 408, 409, 429 and 5xx."""
MAX_SHOWN_CHARS = 160
"""How much of a request is shown, in characters."""
NEAREST_LINE_TIMEOUT_S = 1.0
"""How long the nearest line is looked for: a lane may have a million."""


class RequestRefusedError(Exception):
    """Raised when a run asks what its tape does not answer.

    `lane`, `call` (from 1, every attempt counts) and `nearest` (an unplayed line, or None) say
    where; `status` and `kind` are what the client is told.
    """

    def __init__(
        self,
        message: str,
        lane: str,
        call: int,
        nearest_line: TapeLine | None = None,
        status: int = REFUSED_STATUS,
        error_type: str = "no_taped_line",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.lane = lane
        self.call = call
        self.nearest_line = nearest_line


def no_line_error(
    tape: Tape, request: Request, call: int, unplayed: Sequence[TapeLine]
) -> RequestRefusedError:
    """Why none of `left` (the lane's unplayed lines) answers `request`."""
    lines = [line for line in tape.lines if line.lane == request.lane]
    head = f'lane "{request.lane}", call {call}: no line of {tape.file} answers this request.'
    if not lines:
        return RequestRefusedError(
            "\n".join([head, *_explain_unknown_lane(tape, request)]), request.lane, call
        )
    count = f"The lane has {_count_lines(len(lines))}, {len(lines) - len(unplayed)} played."
    asked = f"The request ends: {_quote_end(request.searchable_text)}"
    if not unplayed:
        last = f"Its last line is {lines[-1]}."
        mend = f"Mend it: write a line after {lines[-1].location}, then {_next_command(tape)}."
        return RequestRefusedError("\n".join([head, count, last, asked, mend]), request.lane, call)
    nearest, why_not = _nearest_line(request, unplayed)
    close = f"Nearest unplayed line: {nearest}\n  {why_not}"
    mend = (
        f"Mend it: edit {nearest.location}, then {_next_command(tape)}."
        if nearest.digest is None
        else "Mend it: record it anew, python -m scenarios live … --record; or play it --tolerant."
    )
    return RequestRefusedError(
        "\n".join([head, count, close, asked, mend]), request.lane, call, nearest
    )


def unknown_path_error(tape: Tape, request: Request, call: int) -> RequestRefusedError:
    """A path that is neither an endpoint of the API nor an outside service on the tape."""
    asked = f"{request.method} {_truncate(request.path)}"
    alike = closest_word(asked, tape.endpoints)
    message = (
        f"{asked}: the tape {tape.file} answers no such path.\n"
        f"It answers {list_words(tape.endpoints) or 'nothing'}"
        + (f"; nearest: {alike}.\n" if alike else ".\n")
        + f'Mend it: write a line with "method": "{request.method}", "path": '
        f'"{_truncate(request.path)}", or call a path that it answers.'
    )
    return RequestRefusedError(message, request.lane, call, status=404)


def _explain_unknown_lane(tape: Tape, request: Request) -> list[str]:
    alike = closest_word(request.lane, tape.lanes)
    known = list_words(tape.lanes) or "none"
    said = (
        "The client sent no x-agent-name header; this lane is the fingerprint of its system prompt "
        "and tools."
        if request.lane.startswith("~")
        else "The lane comes from the client's x-agent-name header."
    )
    nearest = f"; nearest: {alike}" if alike else ""
    mend = f'Mend it: write a line with "lane": "{request.lane}", then {_next_command(tape)}.'
    return [f"The tape has no such lane. It has: {known}{nearest}.", said, mend]


def _nearest_line(request: Request, unplayed: Sequence[TapeLine]) -> tuple[TapeLine, str]:
    """The line that comes closest, as far as there is time to see, and why it does not answer."""
    until_s = time.monotonic() + NEAREST_LINE_TIMEOUT_S

    def closeness(line: TapeLine) -> float:
        if not line.serves_endpoint(request.method, request.path):
            return -1.0
        if line.when is None:
            return 1.0
        held, _ = _longest_matching_prefix(line.when, request.searchable_text, until_s)
        return len(held) / max(1, len(line.when.pattern))

    nearest = max(islice(unplayed, MAX_COMPARED_WORDS), key=closeness)
    if not nearest.serves_endpoint(request.method, request.path):
        return nearest, f"it answers {nearest.method} {nearest.path}, not {request.path}"
    try:
        if nearest.when is not None and not nearest.when.search(request.searchable_text):
            return nearest, _explain_mismatch(nearest.when, request.searchable_text)
    except SearchTimeoutError as error:
        return nearest, str(error)
    differ = "; ".join(
        change.description for change in compare_requests(nearest.request, request.canonical_body)
    )
    return nearest, f"what was recorded differs: {differ}"


def _explain_mismatch(when: Condition, text: str) -> str:
    held, seen = _longest_matching_prefix(when, text, time.monotonic() + NEAREST_LINE_TIMEOUT_S)
    if not held:
        return "no part of it is found in the conversation"
    return (
        f"it holds as far as {held!r} (there the conversation reads {seen!r}), "
        f"then {when.pattern[len(held) :]!r} is not found"
    )


def _longest_matching_prefix(when: Condition, text: str, until_s: float) -> tuple[str, str]:
    """The longest beginning of the pattern that is found in `text`, and the text from there on."""
    for end in range(len(when.pattern) - 1, 0, -1):
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            break
        try:
            found = Condition.compile(when.pattern[:end]).search(text, left_s)
        except (ValueError, SearchTimeoutError):
            continue
        if found and found.group():
            return when.pattern[:end], text[found.start() : found.end() + 40].split("\n")[0]
    return "", ""


def _next_command(tape: Tape) -> str:
    """What comes after an edit: for a scenario's tape, and for one that is served alone."""
    path = Path(tape.file)
    if path.name == "tape.jsonl" and (path.parent / "scenario.py").exists():
        return f"python -m scenarios accept {path.parent.name}"
    return "start serving anew"


def _count_lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _truncate(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"


def _quote_end(text: str) -> str:
    return repr(text if len(text) <= MAX_SHOWN_CHARS else "…" + text[-MAX_SHOWN_CHARS:])
