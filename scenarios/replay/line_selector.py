"""A reel: a tape in play, which knows the lines that are still to come.

A request is answered, within its lane, by the first unplayed line whose path and `when` fit, and
whose digest, where it has one, is the request's. Where only digests stand in the way, tolerant play
takes the first such line and notes the drift; strict play refuses. Order of arrival decides nothing
between lanes.

Choosing and giving back never await, and one event loop does both: no line goes to two requests.
"""

from collections import OrderedDict
from dataclasses import dataclass

from scenarios.replay.refusal import Refused, refused
from scenarios.tape.condition import Endless
from scenarios.tape.drift import Drift, changes
from scenarios.tape.line import Line
from scenarios.tape.request import Request
from scenarios.tape.tape import Tape


@dataclass(frozen=True)
class Choice:
    """The line that answers a request, and what its `when` captured there."""

    line: Line
    captures: dict[str, str]
    drift: Drift | None = None


class Reel:
    """The state of one run over a tape."""

    def __init__(self, tape: Tape, strict: bool) -> None:
        self.tape = tape
        self.strict = strict
        self.rewind()

    def rewind(self) -> None:
        """All lines are unplayed again."""
        # A plain dict grows slow when its first item is taken again and again.
        self._left = {lane: OrderedDict[int, Line]() for lane in self.tape.lanes}
        self._touched: set[int] = set()
        for line in self.tape.lines:
            self._left[line.lane][line.number] = line

    def choose(self, request: Request, call: int) -> Choice:
        """The line for `request`, which is then played; Refused if there is none."""
        left = self._left.get(request.lane, OrderedDict())
        drifted: Choice | None = None
        for line in left.values():
            if not line.answers(request.method, request.path):
                continue
            captures = _captures(line, request, call)
            if captures is None:
                continue
            if line.digest is None or line.digest == request.digest:
                del left[line.number]
                return Choice(line, captures)
            drifted = drifted or Choice(line, captures)
        if drifted is None or self.strict:
            raise refused(self.tape, request, call, tuple(left.values()))
        line = drifted.line
        del left[line.number]
        differing = changes(line.request, request.canonical)
        return Choice(line, drifted.captures, Drift(request.lane, call, line.at, differing))

    def give_back(self, line: Line, *, touched: bool) -> None:
        """The reply did not arrive, so the line may be played again; `touched` if a part did."""
        if touched:
            self._touched.add(line.number)
        left = self._left[line.lane]
        left[line.number] = line
        self._left[line.lane] = OrderedDict(sorted(left.items()))

    @property
    def unplayed(self) -> tuple[Line, ...]:
        """Lines of which nothing was served, in the order of the tape."""
        left = {n for lane in list(self._left.values()) for n in list(lane)} - self._touched
        return tuple(line for line in self.tape.lines if line.number in left)


def _captures(line: Line, request: Request, call: int) -> dict[str, str] | None:
    """What the line's `when` captures in the request; None if it does not hold."""
    if line.when is None:
        return {}
    try:
        found = line.when.found(request.text)
    except Endless as error:
        raise Refused(f"{line}: {error}", request.lane, call, line) from error
    return found.groupdict(default="") if found else None
