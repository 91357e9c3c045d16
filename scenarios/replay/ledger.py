"""A ledger: what the replay server really served in a run, exchange by exchange."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """One HTTP attempt and what became of it. No headers are kept, so no key can get in.

    `call` counts every attempt in the lane, from 1. `request` is the canonical body (request.py).
    `line` is the tape's line number, `fault` the name of the fault that struck, `status` the HTTP
    status (None if never answered). `reply` is {"content", "tool_calls"?} as far as it was meant;
    `tool_calls`, `input_tokens` and `output_tokens` count only if the reply arrived whole:
    `delivered`. Times are milliseconds since the server started; `ended_ms` is None while open.
    """

    lane: str
    call: int
    path: str
    request: Any
    model: str
    streamed: bool
    started_ms: float
    line: int | None = None
    fault: str | None = None
    status: int | None = None
    reply: dict[str, Any] | None = None
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    delivered: bool = False
    ended_ms: float | None = None


class Ledger:
    """Exchanges in order of arrival. One thread writes; any may read, since a tuple is a copy."""

    def __init__(self, on_exchange: Callable[[Exchange], None] | None = None) -> None:
        self._exchanges: list[Exchange] = []
        self._on_exchange = on_exchange

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return tuple(self._exchanges)

    def open(self, exchange: Exchange) -> Callable[..., None]:
        """Write down an exchange that has begun; returns what writes down its outcome."""
        page, place = self._exchanges, len(self._exchanges)
        page.append(exchange)

        def close(**outcome: Any) -> None:
            page[place] = replace(page[place], **outcome)
            if self._on_exchange is not None:
                try:
                    self._on_exchange(page[place])
                except (Exception, SystemExit):
                    # Whatever a listener runs into, such as a closed pipe, must change no run.
                    self._on_exchange = None

        return close

    def clear(self) -> None:
        """Begin a new page; what is still open is written to the old one."""
        self._exchanges = []
