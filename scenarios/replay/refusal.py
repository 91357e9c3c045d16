"""Refused: a request that no line of the tape answers, and what a person can do about it."""

import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from scenarios.tape.condition import Condition, Endless
from scenarios.tape.drift import changes
from scenarios.tape.json_checks import COMPARED, close, listed
from scenarios.tape.line import Line
from scenarios.tape.request import Request
from scenarios.tape.tape import Tape

REFUSED = 422
"""No OpenAI client tries again after it, as it does after 408, 409, 429 and 5xx."""
SEEN = 160
"""How much of a request is shown, in characters."""
PATIENCE_S = 1.0
"""How long the nearest line is looked for: a lane may have a million."""


class Refused(Exception):
    """Raised when a run asks what its tape does not answer.

    `lane`, `call` (from 1, every attempt counts) and `nearest` (an unplayed line, or None) say
    where; `status` and `kind` are what the client is told.
    """

    def __init__(
        self,
        message: str,
        lane: str,
        call: int,
        nearest: Line | None = None,
        status: int = REFUSED,
        kind: str = "no_taped_line",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.lane = lane
        self.call = call
        self.nearest = nearest


def refused(tape: Tape, request: Request, call: int, left: Sequence[Line]) -> Refused:
    """Why none of `left` (the lane's unplayed lines) answers `request`."""
    lines = [line for line in tape.lines if line.lane == request.lane]
    head = f'lane "{request.lane}", call {call}: no line of {tape.file} answers this request.'
    if not lines:
        return Refused("\n".join([head, *_unknown_lane(tape, request)]), request.lane, call)
    count = f"The lane has {_lines(len(lines))}, {len(lines) - len(left)} played."
    asked = f"The request ends: {_tail(request.text)}"
    if not left:
        last = f"Its last line is {lines[-1]}."
        mend = f"Mend it: write a line after {lines[-1].at}, then {_accept(tape)}."
        return Refused("\n".join([head, count, last, asked, mend]), request.lane, call)
    nearest, why_not = _nearest(request, left)
    close = f"Nearest unplayed line: {nearest}\n  {why_not}"
    mend = (
        f"Mend it: edit {nearest.at}, then {_accept(tape)}."
        if nearest.digest is None
        else "Mend it: record it anew, python -m scenarios live … --record; or play it --tolerant."
    )
    return Refused("\n".join([head, count, close, asked, mend]), request.lane, call, nearest)


def unknown_path(tape: Tape, request: Request, call: int) -> Refused:
    """A path that is neither an endpoint of the API nor an outside service on the tape."""
    asked = f"{request.method} {_short(request.path)}"
    alike = close(asked, tape.paths)
    message = (
        f"{asked}: the tape {tape.file} answers no such path.\n"
        f"It answers {listed(tape.paths) or 'nothing'}"
        + (f"; nearest: {alike}.\n" if alike else ".\n")
        + f'Mend it: write a line with "method": "{request.method}", "path": '
        f'"{_short(request.path)}", or call a path that it answers.'
    )
    return Refused(message, request.lane, call, status=404)


def _unknown_lane(tape: Tape, request: Request) -> list[str]:
    alike = close(request.lane, tape.lanes)
    known = listed(tape.lanes) or "none"
    said = (
        "The client sent no x-agent-name header; this lane is the fingerprint of its system prompt "
        "and tools."
        if request.lane.startswith("~")
        else "The lane comes from the client's x-agent-name header."
    )
    nearest = f"; nearest: {alike}" if alike else ""
    mend = f'Mend it: write a line with "lane": "{request.lane}", then {_accept(tape)}.'
    return [f"The tape has no such lane. It has: {known}{nearest}.", said, mend]


def _nearest(request: Request, left: Sequence[Line]) -> tuple[Line, str]:
    """The line that comes closest, as far as there is time to see, and why it does not answer."""
    until_s = time.monotonic() + PATIENCE_S

    def closeness(line: Line) -> float:
        if not line.answers(request.method, request.path):
            return -1.0
        if line.when is None:
            return 1.0
        held, _ = _prefix(line.when, request.text, until_s)
        return len(held) / max(1, len(line.when.pattern))

    nearest = max(islice(left, COMPARED), key=closeness)
    if not nearest.answers(request.method, request.path):
        return nearest, f"it answers {nearest.method} {nearest.path}, not {request.path}"
    try:
        if nearest.when is not None and not nearest.when.found(request.text):
            return nearest, _why_not(nearest.when, request.text)
    except Endless as error:
        return nearest, str(error)
    differ = "; ".join(change.says for change in changes(nearest.request, request.canonical))
    return nearest, f"what was recorded differs: {differ}"


def _why_not(when: Condition, text: str) -> str:
    held, seen = _prefix(when, text, time.monotonic() + PATIENCE_S)
    if not held:
        return "no part of it is found in the conversation"
    return (
        f"it holds as far as {held!r} (there the conversation reads {seen!r}), "
        f"then {when.pattern[len(held) :]!r} is not found"
    )


def _prefix(when: Condition, text: str, until_s: float) -> tuple[str, str]:
    """The longest beginning of the pattern that is found in `text`, and the text from there on."""
    for end in range(len(when.pattern) - 1, 0, -1):
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            break
        try:
            found = Condition.read(when.pattern[:end]).found(text, left_s)
        except (ValueError, Endless):
            continue
        if found and found.group():
            return when.pattern[:end], text[found.start() : found.end() + 40].split("\n")[0]
    return "", ""


def _accept(tape: Tape) -> str:
    """What comes after an edit: for a scenario's tape, and for one that is served alone."""
    path = Path(tape.file)
    if path.name == "tape.jsonl" and (path.parent / "scenario.py").exists():
        return f"python -m scenarios accept {path.parent.name}"
    return "start serving anew"


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _short(text: str) -> str:
    return text if len(text) <= SEEN else text[: SEEN - 1] + "…"


def _tail(text: str) -> str:
    return repr(text if len(text) <= SEEN else "…" + text[-SEEN:])
