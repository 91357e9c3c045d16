"""A reel: a tape in play, which knows the lines that are still to come.

A request is answered, within its lane, by the first unplayed line whose path and `when` fit, and
whose digest, where it has one, is the request's. Where only digests stand in the way, tolerant play
takes the first such line and notes the drift; strict play refuses. Order of arrival decides nothing
between lanes.

Choosing and giving back never await, and one event loop does both: no line goes to two requests.
"""

from collections import OrderedDict
from dataclasses import dataclass

from scenarios.replay.refusal import RequestRefusedError, no_line_error
from scenarios.tape.condition import SearchTimeoutError
from scenarios.tape.drift import Drift, compare_requests
from scenarios.tape.line import TapeLine
from scenarios.tape.request import Request
from scenarios.tape.tape import Tape


@dataclass(frozen=True)
class SelectedLine:
    """The line that answers a request, and what its `when` captured there."""

    line: TapeLine
    captures: dict[str, str]
    drift: Drift | None = None


class LineSelector:
    """The state of one run over a tape."""

    def __init__(self, tape: Tape, strict: bool) -> None:
        self.tape = tape
        self.strict = strict
        self.rewind()

    def rewind(self) -> None:
        """All lines are unplayed again."""
        # A plain dict grows slow when its first item is taken again and again.
        self._unplayed_by_lane = {lane: OrderedDict[int, TapeLine]() for lane in self.tape.lanes}
        self._partly_served: set[int] = set()
        for line in self.tape.lines:
            self._unplayed_by_lane[line.lane][line.number] = line

    def select(self, request: Request, call: int) -> SelectedLine:
        """The line for `request`, which is then played; Refused if there is none."""
        left = self._unplayed_by_lane.get(request.lane, OrderedDict())
        drifted: SelectedLine | None = None
        for line in left.values():
            if not line.serves_endpoint(request.method, request.path):
                continue
            captures = _match_condition(line, request, call)
            if captures is None:
                continue
            if line.digest is None or line.digest == request.digest:
                del left[line.number]
                return SelectedLine(line, captures)
            drifted = drifted or SelectedLine(line, captures)
        if drifted is None or self.strict:
            raise no_line_error(self.tape, request, call, tuple(left.values()))
        line = drifted.line
        del left[line.number]
        differing = compare_requests(line.request, request.canonical_body)
        return SelectedLine(
            line, drifted.captures, Drift(request.lane, call, line.location, differing)
        )

    def return_line(self, line: TapeLine, *, partly_served: bool) -> None:
        """The reply did not arrive, so the line may be played again; `touched` if a part did."""
        if partly_served:
            self._partly_served.add(line.number)
        left = self._unplayed_by_lane[line.lane]
        left[line.number] = line
        self._unplayed_by_lane[line.lane] = OrderedDict(sorted(left.items()))

    @property
    def unplayed_lines(self) -> tuple[TapeLine, ...]:
        """Lines of which nothing was served, in the order of the tape."""
        left = {
            n for lane in list(self._unplayed_by_lane.values()) for n in list(lane)
        } - self._partly_served
        return tuple(line for line in self.tape.lines if line.number in left)


def _match_condition(line: TapeLine, request: Request, call: int) -> dict[str, str] | None:
    """What the line's `when` captures in the request; None if it does not hold."""
    if line.when is None:
        return {}
    try:
        found = line.when.search(request.searchable_text)
    except SearchTimeoutError as error:
        raise RequestRefusedError(f"{line}: {error}", request.lane, call, line) from error
    return found.groupdict(default="") if found else None
