"""Collects the requests that a case sends to its model, without retries."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from instrumentation.trace.canonical_json import mask_volatile_ids
from scenarios.replay.ledger import Exchange
from scenarios.tape.requests.request import to_sorted_json


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


def collect_requests(exchanges: Iterable[Exchange]) -> tuple[ModelRequest, ...]:
    """Return the requests in a ledger's exchanges, lane by lane, without retries."""
    lanes: dict[str, list[ModelRequest]] = {}
    for exchange in _without_retries(exchanges):
        request = ModelRequest(exchange.lane, exchange.path, _mask(exchange.request))
        lanes.setdefault(exchange.lane, []).append(request)
    return tuple(request for lane in sorted(lanes) for request in lanes[lane])


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


def _mask(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _mask(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mask(item) for item in value]
    return mask_volatile_ids(value) if isinstance(value, str) else value
