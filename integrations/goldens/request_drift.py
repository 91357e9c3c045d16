"""What has drifted: how the requests of a case differ from its golden's, call by call.

A framework's new version that words a prompt otherwise breaks nothing; it is to be read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scipy.optimize import linear_sum_assignment

from integrations.goldens.model_requests import Asked
from scenarios.tape.drift import SEVERITIES, Change, changes

APART = 1_000
"""What one change counts for, beside which of two calls is the nearer one."""
SHORT = 72
"""How much of a request a sentence has room for, in characters."""


@dataclass(frozen=True)
class Drifted:
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
    def where(self) -> str:
        """The call, or the lane."""
        return f"{self.lane}, call {self.call}" if self.call else self.lane

    def __str__(self) -> str:
        says = "; ".join(change.says for change in self.changes)
        return f"{self.where} ({self.severity}): {says}"


def drifts(golden: Sequence[Asked], seen: Sequence[Asked]) -> tuple[Drifted, ...]:
    """What differs, lane by lane and call by call; empty where the same was asked.

    Calls of a lane are matched by what they ask, and only then by when: an agent's parallel calls
    come in any order, and one call more does not make all that follow it look changed.
    """
    was, now = _lanes(golden), _lanes(seen)
    return tuple(
        drift
        for lane in sorted(was.keys() | now.keys())
        for drift in _lane(lane, was.get(lane, []), now.get(lane, []))
    )


def _lanes(asked: Iterable[Asked]) -> dict[str, list[Asked]]:
    lanes: dict[str, list[Asked]] = {}
    for each in asked:
        lanes.setdefault(each.lane, []).append(each)
    return lanes


def _lane(lane: str, was: Sequence[Asked], now: Sequence[Asked]) -> Iterator[Drifted]:
    if not now:
        silent = f"asks nothing any more, and asked {_times(len(was))}"
        yield Drifted(lane, 0, (Change("agent", silent),))
        return
    if not was:
        yield Drifted(lane, 0, (Change("agent", f"is new, and asks {_times(len(now))}"),))
        return
    pairs = _matched(was, now)
    for j, asked in enumerate(now):
        new = Change("missing", f"the call is new: {_short(asked)}")
        found = changes(was[pairs[j]].request, asked.request) if j in pairs else (new,)
        if found:
            yield Drifted(lane, j + 1, found)
    for i in sorted(set(range(len(was))) - set(pairs.values())):
        gone = Change("missing", f"the recorded call is gone: {_short(was[i])}")
        yield Drifted(lane, i + 1, (gone,))


def _matched(was: Sequence[Asked], now: Sequence[Asked]) -> dict[int, int]:
    """Of each call that was seen, which of the golden's it is; least is changed in all together."""
    apart = [
        [_apart(one, other) + abs(i - j) for j, other in enumerate(now)]
        for i, one in enumerate(was)
    ]
    rows, columns = linear_sum_assignment(apart)
    pairs = zip(map(int, rows), map(int, columns), strict=True)
    return {j: i for i, j in pairs if was[i].path == now[j].path}


def _apart(was: Asked, now: Asked) -> int:
    if was.path != now.path:
        return APART * APART
    found = changes(was.request, now.request)
    return APART * sum(1 + SEVERITIES.index(change.severity) for change in found)


def _times(calls: int) -> str:
    return "once" if calls == 1 else f"{calls} times"


def _short(asked: Asked) -> str:
    return asked.text if len(asked.text) <= SHORT else asked.text[: SHORT - 1] + "…"
