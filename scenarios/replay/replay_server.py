"""A replay: a server on 127.0.0.1 that plays a tape to whoever asks, while its body runs."""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager

from scenarios.http_server.server import HOST, served
from scenarios.replay.app import App
from scenarios.replay.faults import Fault
from scenarios.replay.ledger import Exchange, Ledger
from scenarios.replay.refusal import Refused
from scenarios.tape.drift import Drift
from scenarios.tape.line import Line
from scenarios.tape.tape import Tape


class Replay:
    """What a body sees of its server: where it is, and what it has done."""

    def __init__(self, app: App, port: int) -> None:
        self._app = app
        self.port = port

    @property
    def url(self) -> str:
        """Where outside services stand."""
        return f"http://{HOST}:{self.port}"

    def at(self, lane: str) -> str:
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
    def refusals(self) -> tuple[Refused, ...]:
        """The requests that no line answered, in order."""
        return tuple(self._app.refusals)

    @property
    def drift(self) -> tuple[Drift, ...]:
        """The recorded lines that were served though the request differs (tolerant play)."""
        return tuple(self._app.drift)

    @property
    def unplayed(self) -> tuple[Line, ...]:
        """The lines of which nothing was served."""
        return self._app.reel.unplayed

    @property
    def unfired(self) -> tuple[Fault, ...]:
        """The faults that never struck."""
        return self._app.faults.unfired


@contextmanager
def replayed(
    tape: Tape,
    faults: Iterable[Fault] = (),
    strict: bool = True,
    on_exchange: Callable[[Exchange], None] | None = None,
    port: int = 0,
    forwards: Mapping[str, str] | None = None,
) -> Generator[Replay]:
    """Play `tape` on `port` of 127.0.0.1 (0: a free one) until the body ends.

    Strict play refuses a request that differs from the recorded one; tolerant play serves it and
    notes the drift. `on_exchange` is told of each exchange as it ends, on the server's thread.
    `forwards` are the addresses of real services, by lane: what is asked of `Replay.at(lane)` is
    asked of them, once the lane's faults have let it pass.
    """
    app = App(tape, faults, strict=strict, on_exchange=on_exchange, forwards=forwards)
    with served(app, port, closing=app.aclose) as port:
        yield Replay(app, port)
