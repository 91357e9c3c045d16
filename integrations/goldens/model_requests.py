"""What was asked: the requests of a case, each once, in the order of its lane."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from instrumentation.trace.canonical_json import mask_volatile_ids
from scenarios.replay.ledger import Exchange
from scenarios.tape.request import to_sorted_json


@dataclass(frozen=True)
class ModelRequest:
    """One request; `request` is its canonical body (scenarios/tape/request.py), free of ports, ids
    and addresses."""

    lane: str
    path: str
    body: Any

    @property
    def text(self) -> str:
        """The path and the body: the same where the same was asked."""
        return f"{self.path} {to_sorted_json(self.body)}"


def collect_requests(exchanges: Iterable[Exchange]) -> tuple[ModelRequest, ...]:
    """What a ledger's exchanges asked, lane by lane; a retry asks nothing that was not asked."""
    lanes: dict[str, list[ModelRequest]] = {}
    for exchange in _first_attempts(exchanges):
        asked = ModelRequest(exchange.lane, exchange.path, _scrub(exchange.request))
        lanes.setdefault(exchange.lane, []).append(asked)
    return tuple(asked for lane in sorted(lanes) for asked in lanes[lane])


def _first_attempts(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """Without those that ask again in their lane what has failed there."""
    failed: Counter[tuple[str, str, str]] = Counter()
    for exchange in exchanges:
        asked = (exchange.lane, exchange.path, to_sorted_json(exchange.request))
        if failed[asked]:
            failed[asked] -= 1
        else:
            yield exchange
        if not exchange.delivered or (exchange.status or 0) >= 400:
            failed[asked] += 1


def _scrub(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _scrub(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_scrub(inner) for inner in value]
    return mask_volatile_ids(value) if isinstance(value, str) else value
