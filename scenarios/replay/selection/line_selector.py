"""Select the line of a tape that answers a request; each line is served once.

Within its lane, a request is answered by the first unplayed line whose path and `when` match and
which, if it is recorded, was recorded for this request. If only that differs, tolerant replay takes
the line whose recorded request is most similar and reports the drift; strict replay refuses the
request. The order of arrival never decides between lanes.

`select` and `return_line` do not await, and run in one event loop, so no line is served twice.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace

from scenarios.replay.openai_api.stream_assembly import assemble_stream
from scenarios.replay.selection.refusal import (
    RequestRefusedError,
    no_line_error,
    unknown_path_error,
)
from scenarios.tape.condition import SearchTimeoutError
from scenarios.tape.line import TapeLine
from scenarios.tape.requests.drift import Change, Drift
from scenarios.tape.requests.recorded_request import compare_with_recorded
from scenarios.tape.requests.request import CHAT_PATH, COMPLETION_PATHS, Request
from scenarios.tape.similarity import similarity
from scenarios.tape.tape import Tape

MAX_COMPARED_LINES = 64
"""How many lines of a lane a changed request is compared with; they are played in order."""


@dataclass(frozen=True)
class SelectedLine:
    """The line that answers a request, the captures of its `when`, and the drift, if any."""

    line: TapeLine
    captures: dict[str, str]
    drift: Drift | None = None


class LineSelector:
    """The unplayed lines of a tape during one run."""

    def __init__(self, tape: Tape, strict: bool) -> None:
        self.tape = tape
        self.strict = strict
        # Taking the first item again and again is slow with a plain dict.
        self._unplayed_by_lane = {lane: OrderedDict[int, TapeLine]() for lane in tape.lanes}
        self._partly_served: set[int] = set()
        self._rules = tape.header.volatile
        self._stable_digests = {
            line.number: self._rules.digest(line.request)
            for line in (tape.lines if self._rules else ())
            if line.request is not None
        }
        for line in tape.lines:
            self._unplayed_by_lane[line.lane][line.number] = line

    @property
    def sends_refused_live(self) -> bool:
        """Whether a recorder, if there is one, gets the requests that no line answers."""
        return True

    def unplayed_in(self, lane: str) -> tuple[TapeLine, ...]:
        """The unplayed lines of a lane, in order."""
        return tuple(self._unplayed_by_lane.get(lane, {}).values())

    def take(self, line: TapeLine) -> None:
        """Play an unplayed line."""
        del self._unplayed_by_lane[line.lane][line.number]

    def select(self, request: Request, call: int) -> SelectedLine:
        """Take the line that answers `request`, which is call `call` of its lane.

        Raises:
            RequestRefusedError: No line answers it.
        """
        is_completion = request.method == "POST" and request.path in COMPLETION_PATHS
        if (
            not is_completion
            and self.tape.lane_for_path(request.method, request.path, None) is None
        ):
            raise unknown_path_error(self.tape, request)
        unplayed = self._unplayed_by_lane.get(request.lane, OrderedDict())
        drifted: list[SelectedLine] = []
        stable_digest = self._rules.digest(request.canonical_body) if self._rules else None
        for line in unplayed.values():
            if not line.serves_endpoint(request.method, request.path):
                continue
            captures = _match_condition(line, request)
            if captures is None:
                continue
            if _answers(line, request) or (
                stable_digest is not None and self._stable_digests.get(line.number) == stable_digest
            ):
                del unplayed[line.number]
                return _add_drift(SelectedLine(line, captures), request, call)
            if not self.strict and len(drifted) < MAX_COMPARED_LINES:
                drifted.append(SelectedLine(line, captures))
        if not drifted:
            raise no_line_error(self.tape, request, call, self._all_unplayed())
        # Agents with equal prompts share a lane, so the order of arrival must not decide here.
        nearest = max(drifted, key=lambda one: _similarity(one.line, request))
        del unplayed[nearest.line.number]
        return _add_drift(nearest, request, call, self._list_changes(nearest.line, request))

    def _list_changes(self, line: TapeLine, request: Request) -> tuple[Change, ...]:
        """List how a request differs from that of a line, apart from volatile parts."""
        if not self._rules:
            return compare_with_recorded(line.digest, line.request, request)
        body = self._rules.normalize(request.canonical_body)
        stable = Request(request.lane, request.method, request.path, request.query, body)
        return compare_with_recorded(line.digest, self._rules.normalize(line.request), stable)

    def return_line(self, line: TapeLine, *, partly_served: bool) -> None:
        """Put a line back whose reply did not arrive; `partly_served` if some of it was sent."""
        if partly_served:
            self._partly_served.add(line.number)
        unplayed = self._unplayed_by_lane[line.lane]
        unplayed[line.number] = line
        self._unplayed_by_lane[line.lane] = OrderedDict(sorted(unplayed.items()))

    def _all_unplayed(self) -> list[TapeLine]:
        """Return the lines that can be served, including those of which a part was sent."""
        return [line for lane in self._unplayed_by_lane.values() for line in lane.values()]

    @property
    def unplayed_lines(self) -> tuple[TapeLine, ...]:
        """The lines of which nothing was served, in the order of the tape."""
        lanes = list(self._unplayed_by_lane.values())
        unplayed = {number for lane in lanes for number in list(lane)} - self._partly_served
        return tuple(line for line in self.tape.lines if line.number in unplayed)


def _add_drift(
    selected: SelectedLine, request: Request, call: int, changes: tuple[Change, ...] = ()
) -> SelectedLine:
    """Add the differences between the request and that of the line, and a guessed lane."""
    changes = (*changes, *_missing_usage(selected.line, request))
    if request.guess:
        changes = (Change("agent", request.guess), *changes)
    if not changes:
        return selected
    return replace(selected, drift=Drift(request.lane, call, selected.line.location, changes))


def _missing_usage(line: TapeLine, request: Request) -> tuple[Change, ...]:
    """Tell that the answer would have token counts, which the recorded stream lacks."""
    response = line.response or {}
    frames = response.get("frames")
    if frames is None or response.get("status", 200) != 200 or request.path != CHAT_PATH:
        return ()
    asks_for_usage = request.includes_usage or not request.is_streamed
    if not asks_for_usage or assemble_stream(frames).get("usage"):
        return ()
    cause = "include_usage is requested" if request.is_streamed else "no stream is requested"
    return (Change("missing", f"{cause}, and the recorded stream has no usage: record it again"),)


def _similarity(line: TapeLine, request: Request) -> float:
    """Return how similar the conversations are; of equally similar lines, `max` takes the first."""
    recorded = Request(line.lane, line.method, request.path, request.query, line.request)
    return similarity(recorded.searchable_text, request.searchable_text)


def _match_condition(line: TapeLine, request: Request) -> dict[str, str] | None:
    """Return the captures of the line's `when` in the request; None if it does not match."""
    if line.when is None:
        return {}
    try:
        match = line.when.search(request.searchable_text)
    except SearchTimeoutError as error:
        raise RequestRefusedError(f"{line}: {error}", request.lane, nearest_line=line) from error
    return match.groupdict(default="") if match else None


def _answers(line: TapeLine, request: Request) -> bool:
    try:
        return line.answers(request)
    except SearchTimeoutError as error:
        raise RequestRefusedError(f"{line}: {error}", request.lane, nearest_line=line) from error
