"""What has drifted: how the requests of a case differ from its golden's, call by call.

A framework's new version that words a prompt otherwise breaks nothing; it is to be read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scipy.optimize import linear_sum_assignment

from integrations.goldens.model_requests import ModelRequest
from scenarios.tape.drift import SEVERITIES, Change, compare_requests

CHANGE_COST = 1_000
"""What one change counts for, beside which of two calls is the nearer one."""
MAX_REQUEST_CHARS = 72
"""How much of a request a sentence has room for, in characters."""


@dataclass(frozen=True)
class RequestDrift:
    """What differs in one call of a lane, counted from 1; in the whole lane, where `call` is 0.

    A call that is gone is counted as in the golden, any other as it was seen.
    """

    lane: str
    call: int
    changes: tuple[Change, ...]

    @property
    def severity(self) -> str:
        """The worst severity of its changes."""
        return max((change.severity for change in self.changes), key=SEVERITIES.index)

    @property
    def location(self) -> str:
        """The call, or the lane."""
        return f"{self.lane}, call {self.call}" if self.call else self.lane

    def __str__(self) -> str:
        says = "; ".join(change.description for change in self.changes)
        return f"{self.location} ({self.severity}): {says}"


def compare_model_requests(
    golden: Sequence[ModelRequest], seen: Sequence[ModelRequest]
) -> tuple[RequestDrift, ...]:
    """What differs, lane by lane and call by call; empty where the same was asked.

    Calls of a lane are matched by what they ask, and only then by when: an agent's parallel calls
    come in any order, and one call more does not make all that follow it look changed.
    """
    was, now = _by_lane(golden), _by_lane(seen)
    return tuple(
        drift
        for lane in sorted(was.keys() | now.keys())
        for drift in _compare_lane(lane, was.get(lane, []), now.get(lane, []))
    )


def _by_lane(asked: Iterable[ModelRequest]) -> dict[str, list[ModelRequest]]:
    lanes: dict[str, list[ModelRequest]] = {}
    for each in asked:
        lanes.setdefault(each.lane, []).append(each)
    return lanes


def _compare_lane(
    lane: str, was: Sequence[ModelRequest], now: Sequence[ModelRequest]
) -> Iterator[RequestDrift]:
    if not now:
        silent = f"asks nothing any more, and asked {_format_times(len(was))}"
        yield RequestDrift(lane, 0, (Change("agent", silent),))
        return
    if not was:
        yield RequestDrift(
            lane, 0, (Change("agent", f"is new, and asks {_format_times(len(now))}"),)
        )
        return
    pairs = _match_calls(was, now)
    for j, asked in enumerate(now):
        new = Change("missing", f"the call is new: {_shorten(asked)}")
        found = compare_requests(was[pairs[j]].body, asked.body) if j in pairs else (new,)
        if found:
            yield RequestDrift(lane, j + 1, found)
    for i in sorted(set(range(len(was))) - set(pairs.values())):
        gone = Change("missing", f"the recorded call is gone: {_shorten(was[i])}")
        yield RequestDrift(lane, i + 1, (gone,))


def _match_calls(was: Sequence[ModelRequest], now: Sequence[ModelRequest]) -> dict[int, int]:
    """Of each call that was seen, which of the golden's it is; least is changed in all together."""
    apart = [
        [_distance(one, other) + abs(i - j) for j, other in enumerate(now)]
        for i, one in enumerate(was)
    ]
    rows, columns = linear_sum_assignment(apart)
    pairs = zip(map(int, rows), map(int, columns), strict=True)
    return {j: i for i, j in pairs if was[i].path == now[j].path}


def _distance(was: ModelRequest, now: ModelRequest) -> int:
    if was.path != now.path:
        return CHANGE_COST * CHANGE_COST
    found = compare_requests(was.body, now.body)
    return CHANGE_COST * sum(1 + SEVERITIES.index(change.severity) for change in found)


def _format_times(calls: int) -> str:
    return "once" if calls == 1 else f"{calls} times"


def _shorten(asked: ModelRequest) -> str:
    return (
        asked.text
        if len(asked.text) <= MAX_REQUEST_CHARS
        else asked.text[: MAX_REQUEST_CHARS - 1] + "…"
    )
