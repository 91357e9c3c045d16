"""Fork a replay: follow the tape up to a named call, then go on live, edited or on another tape.

After the fork, another agent's request is still answered from the tape if it equals the recorded
one, because nothing that this agent was given has changed. All other requests are answered

- by the live endpoint (`--live`),
- from another tape (`--tape`), or
- from the same tape, if only a reply was edited (`--edit`); the differences are then drift.
"""

from dataclasses import dataclass, replace
from typing import Any

import orjson

from scenarios.replay.selection.line_selector import LineSelector, SelectedLine
from scenarios.replay.selection.refusal import RequestRefusedError
from scenarios.reports.wording import count_of, list_words
from scenarios.tape.json_checks import LineError
from scenarios.tape.line import TapeLine
from scenarios.tape.line_validation import validate_line
from scenarios.tape.placeholders import escape_placeholders
from scenarios.tape.requests.request import COMPLETION_PATHS, Request
from scenarios.tape.similarity import closest_word
from scenarios.tape.tape import Tape

FORK_HEADER = b"x-flight-recorder-fork"
"""The response header that tells the traced program which answer is the fork."""


class ForkError(Exception):
    """The point of a fork is not on the tape, or the edited reply is invalid."""


@dataclass(frozen=True)
class ForkPoint:
    """An exchange of a tape: the call number, from 1, in a lane."""

    lane: str
    call: int

    def __str__(self) -> str:
        return f"{self.lane}:{self.call}"


@dataclass(frozen=True)
class Fork:
    """Where a replay forks, and how it goes on.

    Attributes:
        point: The first exchange that is not as recorded.
        edited_reply: Replaces the reply at the point; the keys of a scripted reply.
        is_live: Whether requests go to the live endpoint after the point.
        tape: The tape that answers after the point, if it is another one.
    """

    point: ForkPoint
    edited_reply: dict[str, Any] | None = None
    is_live: bool = False
    tape: Tape | None = None


def find_fork_point(text: str, tape: Tape) -> ForkPoint:
    """Parse `LANE:CALL`, and check that the tape has this exchange.

    Raises:
        ForkError: It has not; the message names the nearest lane and its number of exchanges.
    """
    lane, _, number = text.rpartition(":")
    if not lane or not number.isdecimal() or int(number) < 1:
        raise ForkError(f"--fork expects LANE:CALL, for example reviewer:2; got {text!r}")
    counts = dict.fromkeys(tape.lanes, 0)
    for line in tape.lines:
        counts[line.lane] += 1
    if lane not in counts:
        near = closest_word(lane, tape.lanes)
        hint = f"its lanes: {list_words(tape.lanes)}"
        if near:
            hint = f'did you mean "{near}", with {count_of(counts[near], "exchange")}?'
        raise ForkError(f'{tape.file} has no lane "{lane}"; {hint}')
    if int(number) > counts[lane]:
        raise ForkError(
            f"{tape.file}: the lane {lane} has {count_of(counts[lane], 'exchange')}, so there is no"
            f" call {number} to fork at"
        )
    return ForkPoint(lane, int(number))


def parse_edited_reply(content: str, file: str) -> dict[str, Any]:
    """Parse an edited reply: text, or JSON with the keys of a scripted reply (`content`, …).

    Raises:
        ForkError: The JSON has other keys, or is empty.
    """
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError:
        parsed = None
    known = ("content", "tool_calls", "refusal", "reasoning_content", "finish_reason", "usage")
    is_reply = isinstance(parsed, dict) and any(key in known for key in parsed)
    reply = parsed if is_reply else escape_placeholders({"content": content.rstrip("\n")})
    try:
        validate_line({"lane": "edited", "origin": "scripted", "reply": reply})
    except LineError as error:
        raise ForkError(f"{file}: the edited reply is invalid: {error}") from error
    return dict(reply)


class ForkedSelector(LineSelector):
    """The lines of a tape up to the fork, and what answers after it."""

    def __init__(self, tape: Tape, strict: bool, fork: Fork) -> None:
        super().__init__(tape, strict)
        self.fork = fork
        self.is_reached = False
        self._other = LineSelector(fork.tape, strict) if fork.tape else None

    @property
    def sends_refused_live(self) -> bool:
        """Only after the fork may a request go to a live endpoint."""
        return self.is_reached

    def is_fork(self, request: Request, call: int) -> bool:
        """Return whether this exchange is the one at which the replay forks."""
        point = self.fork.point
        return (request.lane, call) == (point.lane, point.call)

    def select(self, request: Request, call: int) -> SelectedLine:
        if not self.is_fork(request, call) and not self.is_reached:
            return super().select(request, call)
        if not self.is_reached:
            if self.fork.edited_reply is not None:
                selected = super().select(request, call)
                self._begin()
                return _edit(selected, self.fork.edited_reply)
            self._begin()
        return self._select_after(request, call)

    def _begin(self) -> None:
        self.is_reached = True
        # On the same tape, everything that follows from an edited reply differs.
        if not self.fork.is_live and self._other is None:
            self.strict = False

    def _select_after(self, request: Request, call: int) -> SelectedLine:
        if not self.fork.is_live and self._other is None:
            return super().select(request, call)
        if request.lane != self.fork.point.lane and (line := self._find_unchanged(request)):
            self.take(line)
            return SelectedLine(line, {})
        if self._other is not None:
            return self._other.select(request, call)
        raise RequestRefusedError(f"after the fork {self.fork.point}, it goes live", request.lane)

    def _find_unchanged(self, request: Request) -> TapeLine | None:
        """The unplayed line that was recorded for exactly this request."""
        return next(
            (
                line
                for line in self.unplayed_in(request.lane)
                if line.response is not None
                and line.serves_endpoint(request.method, request.path)
                and (line.path in COMPLETION_PATHS or line.when is None)
                and line.answers(request)
            ),
            None,
        )

    def return_line(self, line: TapeLine, *, partly_served: bool) -> None:
        if self._other is not None and line.file == self._other.tape.file:
            self._other.return_line(line, partly_served=partly_served)
        else:
            super().return_line(line, partly_served=partly_served)

    @property
    def unplayed_lines(self) -> tuple[TapeLine, ...]:
        """The unplayed lines; none after the fork, because the run is another one."""
        return () if self.is_reached else super().unplayed_lines


def _edit(selected: SelectedLine, reply: dict[str, Any]) -> SelectedLine:
    """The line with another reply; if the client aborts it, it is served again."""
    line = replace(
        selected.line, origin="scripted", when=None, digest=None, request=None, response=None
    )
    return replace(selected, line=replace(line, reply=reply), captures={})
