"""A replay: a server on 127.0.0.1 that plays a tape to whoever asks, while its body runs."""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager

from scenarios.http_server.server import HOST, serve_app
from scenarios.replay.app import ReplayApp
from scenarios.replay.faults import Fault
from scenarios.replay.ledger import Exchange, Ledger
from scenarios.replay.refusal import RequestRefusedError
from scenarios.tape.drift import Drift
from scenarios.tape.line import TapeLine
from scenarios.tape.tape import Tape


class ReplayServer:
    """What a body sees of its server: where it is, and what it has done."""

    def __init__(self, app: ReplayApp, port: int) -> None:
        self._app = app
        self.port = port

    @property
    def url(self) -> str:
        """Where outside services stand."""
        return f"http://{HOST}:{self.port}"

    def service_url(self, lane: str) -> str:
        """Where a service stands that is forwarded to."""
        return f"{self.url}/{lane}"

    @property
    def base_url(self) -> str:
        """What an OpenAI client calls `base_url`."""
        return f"{self.url}/v1"

    @property
    def ledger(self) -> Ledger:
        return self._app.ledger

    @property
    def refusals(self) -> tuple[RequestRefusedError, ...]:
        """The requests that no line answered, in order."""
        return tuple(self._app.refusals)

    @property
    def drift(self) -> tuple[Drift, ...]:
        """The recorded lines that were served though the request differs (tolerant play)."""
        return tuple(self._app.drift)

    @property
    def unplayed_lines(self) -> tuple[TapeLine, ...]:
        """The lines of which nothing was served."""
        return self._app.line_selector.unplayed_lines

    @property
    def unfired_faults(self) -> tuple[Fault, ...]:
        """The faults that never struck."""
        return self._app.faults.unfired


@contextmanager
def replay_tape(
    tape: Tape,
    faults: Iterable[Fault] = (),
    strict: bool = True,
    on_exchange: Callable[[Exchange], None] | None = None,
    port: int = 0,
    service_urls: Mapping[str, str] | None = None,
) -> Generator[ReplayServer]:
    """Play `tape` on `port` of 127.0.0.1 (0: a free one) until the body ends.

    Strict play refuses a request that differs from the recorded one; tolerant play serves it and
    notes the drift. `on_exchange` is told of each exchange as it ends, on the server's thread.
    `forwards` are the addresses of real services, by lane: what is asked of `Replay.at(lane)` is
    asked of them, once the lane's faults have let it pass.
    """
    app = ReplayApp(tape, faults, strict=strict, on_exchange=on_exchange, service_urls=service_urls)
    with serve_app(app, port, on_close=app.aclose) as port:
        yield ReplayServer(app, port)
