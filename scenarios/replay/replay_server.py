"""Serve a tape on 127.0.0.1 for the duration of a `with` block, and inspect what was served.

with replay_tape(Tape.load("tape.jsonl")) as replay:
    OpenAI(base_url=replay.base_url, api_key="taped").chat.completions.create(…)
assert not replay.refusals and not replay.unplayed_lines
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager

from scenarios.recording.recorder import Recorder
from scenarios.replay.app import ReplayApp
from scenarios.replay.exchange.fault_injection import FaultSchedule
from scenarios.replay.exchange.replay_state import RecordedOrder, ReplayState
from scenarios.replay.exchange.request_parsing import RequestParser
from scenarios.replay.faults import Fault
from scenarios.replay.http_server.server import HOST, serve_app
from scenarios.replay.ledger import Exchange, Ledger
from scenarios.replay.selection.fork import Fork, ForkedSelector
from scenarios.replay.selection.line_selector import LineSelector
from scenarios.replay.selection.refusal import RequestRefusedError
from scenarios.tape.line import TapeLine
from scenarios.tape.requests.drift import Drift
from scenarios.tape.tape import Tape


class ReplayServer:
    """A running replay server: its addresses, and what it has served."""

    def __init__(self, app: ReplayApp, port: int) -> None:
        self._app = app
        self.port = port

    @property
    def url(self) -> str:
        """The address of outside services that are on the tape."""
        return f"http://{HOST}:{self.port}"

    @property
    def base_url(self) -> str:
        """The `base_url` for an OpenAI client."""
        return f"{self.url}/v1"

    def service_url(self, lane: str) -> str:
        """Return the address of a service that requests are forwarded to."""
        return f"{self.url}/{lane}"

    @property
    def ledger(self) -> Ledger:
        """The log of all exchanges."""
        return self._app.state.ledger

    @property
    def refusals(self) -> tuple[RequestRefusedError, ...]:
        """The requests that were refused, in order."""
        return tuple(self._app.state.refusals)

    @property
    def drift(self) -> tuple[Drift, ...]:
        """Requests that differ from the recorded ones, and were answered (tolerant replay)."""
        return tuple(self._app.state.drift)

    @property
    def unplayed_lines(self) -> tuple[TapeLine, ...]:
        """The lines of which nothing was served."""
        return self._app.state.line_selector.unplayed_lines

    @property
    def is_fork_reached(self) -> bool:
        """Whether the replay has forked."""
        selector = self._app.state.line_selector
        return isinstance(selector, ForkedSelector) and selector.is_reached

    @property
    def unfired_faults(self) -> tuple[Fault, ...]:
        """The faults that have not occurred."""
        return self._app.state.faults.unfired


@contextmanager
def replay_tape(
    tape: Tape,
    faults: Iterable[Fault] = (),
    strict: bool = True,
    on_exchange: Callable[[Exchange], None] | None = None,
    port: int = 0,
    service_urls: Mapping[str, str] | None = None,
    recorder: Recorder | None = None,
    keeps_order: bool = False,
    is_paced: bool = False,
    fork: Fork | None = None,
) -> Generator[ReplayServer]:
    """Serve `tape` on 127.0.0.1 until the block ends.

    Args:
        tape: The tape, its inputs filled in.
        faults: Faults to inject.
        strict: Refuse a request that differs from the recorded one; if false, serve it, and report
            the drift.
        on_exchange: Called with each exchange when it ends, on the server's thread.
        port: The port; 0 takes a free one.
        service_urls: Addresses of real services, by lane. A request to
            `ReplayServer.service_url(lane)` is forwarded there, after the lane's faults.
        recorder: Answers, and records, the requests that no line answers.
        keeps_order: Hold each answer until all recorded lines before it have been answered.
        is_paced: Let answers take as long as they did when they were recorded.
        fork: Where the replay forks, and how it goes on.

    Raises:
        OSError: The port is in use.
        ValueError: A fault cannot apply to its lane, which is forwarded.
    """
    services = service_urls or {}
    schedule, ledger = FaultSchedule(faults, services), Ledger(on_exchange)

    def new_state() -> ReplayState:
        return ReplayState(
            ForkedSelector(tape, strict, fork) if fork else LineSelector(tape, strict),
            schedule,
            ledger,
            order=RecordedOrder(tape.lines) if keeps_order or tape.header.keeps_order else None,
            is_paced=is_paced,
        )

    app = ReplayApp(RequestParser(tape, strict), new_state, services, recorder)
    on_stop = recorder.stop if recorder else None
    with serve_app(app, port, on_close=app.aclose, on_stop=on_stop) as port:
        yield ReplayServer(app, port)
