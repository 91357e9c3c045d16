"""Compare the model requests that a replay served with a case's golden, call by call.

A new version of a framework that changes a prompt breaks nothing, but a person should read the
change.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from scipy.optimize import linear_sum_assignment

from instrumentation.trace.canonical_json import mask_nested_ids
from instrumentation.trace.wording import truncate
from scenarios.replay.ledger import Exchange
from scenarios.reports.wording import count_of
from scenarios.tape.requests.drift import SEVERITIES, Change, compare_requests
from scenarios.tape.requests.request import to_sorted_json

CHANGE_COST = 1_000
"""The cost of one change when calls are matched; the cost of a different position is 1."""
MAX_REQUEST_CHARS = 72
"""How much of a request a sentence quotes."""


@dataclass(frozen=True)
class ModelRequest:
    """A request. `body` is canonical (see `tape/requests/request.py`), with ids, ports and memory
    addresses masked."""

    lane: str
    path: str
    body: Any

    @property
    def text(self) -> str:
        """Path and body; equal for equal requests."""
        return f"{self.path} {to_sorted_json(self.body)}"

    def __str__(self) -> str:
        return truncate(self.text, MAX_REQUEST_CHARS)


def requests_of_ledger(exchanges: Iterable[Exchange]) -> tuple[ModelRequest, ...]:
    """Return the requests in a ledger's exchanges, lane by lane, without retries."""
    requests = (
        ModelRequest(each.lane, each.path, mask_nested_ids(each.request))
        for each in _without_retries(exchanges)
    )
    return tuple(sorted(requests, key=attrgetter("lane")))


def _without_retries(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """Skip exchanges that repeat a failed request of their lane."""
    failed: Counter[tuple[str, str, str]] = Counter()
    for exchange in exchanges:
        key = (exchange.lane, exchange.path, to_sorted_json(exchange.request))
        if failed[key]:
            failed[key] -= 1
        else:
            yield exchange
        if not exchange.succeeded:
            failed[key] += 1


@dataclass(frozen=True)
class RequestDrift:
    """The changes in one call of a lane.

    `call` counts from 1: in the golden for a missing call, otherwise in the run. 0 stands for the
    lane as a whole.
    """

    lane: str
    call: int
    changes: tuple[Change, ...]

    @property
    def severity(self) -> str:
        """The worst severity of the changes."""
        return max((change.severity for change in self.changes), key=SEVERITIES.index)

    @property
    def location(self) -> str:
        """The lane, and the call if there is one."""
        return f"{self.lane}, call {self.call}" if self.call else self.lane

    def __str__(self) -> str:
        descriptions = "; ".join(change.description for change in self.changes)
        return f"{self.location} ({self.severity}): {descriptions}"


def compare_with_golden(
    golden: Sequence[ModelRequest], actual: Sequence[ModelRequest]
) -> tuple[RequestDrift, ...]:
    """Return the differences, lane by lane and call by call; empty if the requests are equal.

    Calls of a lane are matched by their content first and by their position second. So parallel
    calls of an agent may come in any order, and an additional call does not make all later calls
    look changed.
    """
    old, new = _by_lane(golden), _by_lane(actual)
    return tuple(
        drift
        for lane in sorted(old.keys() | new.keys())
        for drift in _compare_lane(lane, old.get(lane, []), new.get(lane, []))
    )


def _by_lane(requests: Iterable[ModelRequest]) -> dict[str, list[ModelRequest]]:
    lane = attrgetter("lane")
    return {name: list(group) for name, group in groupby(sorted(requests, key=lane), lane)}


def _compare_lane(
    lane: str, old: Sequence[ModelRequest], new: Sequence[ModelRequest]
) -> Iterator[RequestDrift]:
    if not new:
        description = f"sends no requests any more; the golden has {len(old)}"
        yield RequestDrift(lane, 0, (Change("agent", description),))
        return
    if not old:
        description = f"is new and sends {count_of(len(new), 'request')}"
        yield RequestDrift(lane, 0, (Change("agent", description),))
        return
    matches = _match_calls(old, new)
    for j, request in enumerate(new):
        if j in matches:
            changes = compare_requests(old[matches[j]].body, request.body)
        else:
            changes = (Change("missing", f"this call is new: {request}"),)
        if changes:
            yield RequestDrift(lane, j + 1, changes)
    for i in sorted(set(range(len(old))) - set(matches.values())):
        missing = Change("missing", f"the recorded call is missing: {old[i]}")
        yield RequestDrift(lane, i + 1, (missing,))


def _match_calls(old: Sequence[ModelRequest], new: Sequence[ModelRequest]) -> dict[int, int]:
    """Return the index in `old` for each matched index in `new`, with the fewest changes in all."""
    costs = [
        [_distance(one, other) + abs(i - j) for j, other in enumerate(new)]
        for i, one in enumerate(old)
    ]
    rows, columns = linear_sum_assignment(costs)
    pairs = zip(map(int, rows), map(int, columns), strict=True)
    return {j: i for i, j in pairs if old[i].path == new[j].path}


def _distance(old: ModelRequest, new: ModelRequest) -> int:
    if old.path != new.path:
        return CHANGE_COST * CHANGE_COST
    changes = compare_requests(old.body, new.body)
    return CHANGE_COST * sum(1 + SEVERITIES.index(change.severity) for change in changes)
