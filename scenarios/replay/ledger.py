"""The ledger: a log of the requests that the replay server received and the replies it sent.

It is the ground truth with which a trace is compared.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """One HTTP attempt and its outcome. No headers are stored, so no API key can get in.

    Attributes:
        lane: The agent or service.
        call: The number of the attempt in its lane, from 1.
        request: The canonical body (`tape/requests/request.py`); None if the request was invalid.
        started_ms: Milliseconds since the server started.
        line: The tape's line number; None if no line was served.
        fault: The name of the injected fault.
        status: The HTTP status; None if there was no response.
        reply: {"content", "tool_calls"?}: the complete reply, even if it did not arrive.
        tool_calls: The number of tool calls in a delivered reply, else 0.
        input_tokens: Tokens of a delivered reply, else 0.
        output_tokens: Tokens of a delivered reply, else 0.
        delivered: Whether the client read the reply completely.
        ended_ms: Milliseconds since the server started; None while the exchange is open.
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

    @property
    def succeeded(self) -> bool:
        """Whether a reply that is no error arrived completely."""
        return self.delivered and self.status is not None and self.status < 400


class Ledger:
    """Exchanges in order of arrival. One thread writes; any thread may read."""

    def __init__(self, on_exchange: Callable[[Exchange], None] | None = None) -> None:
        """`on_exchange` is called with each exchange when it ends, on the server's thread."""
        self._exchanges: list[Exchange] = []
        self._on_exchange = on_exchange
        self._started_s = time.monotonic()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """A copy of all exchanges, in order of arrival."""
        return tuple(self._exchanges)

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the ledger was created."""
        return (time.monotonic() - self._started_s) * 1000

    def open(self, exchange: Exchange) -> Callable[..., None]:
        """Log an exchange that has started.

        Returns:
            A function that logs its end: call it with the fields of the outcome, and again if it
            turns out that the client has not read the reply.
        """
        exchanges, index = self._exchanges, len(self._exchanges)
        exchanges.append(exchange)

        def close(**outcome: Any) -> None:
            ended = {"ended_ms": self.elapsed_ms} | outcome
            exchanges[index] = replace(exchanges[index], **ended)
            if self._on_exchange is not None:
                try:
                    self._on_exchange(exchanges[index])
                except (Exception, SystemExit):
                    # A failing callback, for example one that writes to a closed pipe, must not
                    # change the run.
                    self._on_exchange = None

        return close

    def clear(self) -> None:
        """Start a new list; exchanges that are still open end in the old one."""
        self._exchanges = []
