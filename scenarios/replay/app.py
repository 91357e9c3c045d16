"""The application: what the replay server does with a request; ASGI, over one tape."""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import orjson

from scenarios.http_server.connection import Receive, Scope, Send, TooLarge, Wire
from scenarios.http_server.forwarding import Forward, target
from scenarios.replay.answer import JSON
from scenarios.replay.exchange_handler import Flight, Passing
from scenarios.replay.faults import Fault, Faults
from scenarios.replay.ledger import Exchange, Ledger
from scenarios.replay.line_selector import Choice, Reel
from scenarios.replay.openai_api.models import is_of_models, models
from scenarios.replay.refusal import Refused, unknown_path
from scenarios.replay.request_validation import malformed, too_large
from scenarios.tape.drift import Drift
from scenarios.tape.lane import received
from scenarios.tape.request import COMPLETIONS, EMBEDDINGS, Request
from scenarios.tape.tape import Tape

WITHOUT_REPLY = ("rate_limited", "unavailable", "hangs", "drops")
LATE = ("slow", "held")
OF_A_TAPE = ("cut", "malformed")
"""Faults of a reply as the tape has it, which a service that is forwarded to gives as it likes."""


class App:
    """The server's side of one run: its reel, its faults, its ledger."""

    def __init__(
        self,
        tape: Tape,
        faults: Iterable[Fault] = (),
        *,
        strict: bool = True,
        on_exchange: Callable[[Exchange], None] | None = None,
        forwards: Mapping[str, str] | None = None,
    ) -> None:
        self._forwards = {lane: Forward(address) for lane, address in (forwards or {}).items()}
        self.reel = Reel(tape, strict)
        self.faults = Faults(_possible(tuple(faults), self._forwards))
        self.ledger = Ledger(on_exchange)
        self._began_s = time.monotonic()
        self.rewind()

    def rewind(self) -> None:
        """Everything is as before the first request."""
        self.reel = Reel(self.reel.tape, self.reel.strict)
        self.faults.rewind()
        self.ledger.clear()
        self.refusals: list[Refused] = []
        self.drift: list[Drift] = []
        self._calls: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = Wire(scope, receive, send)
        try:
            body = await wire.body()
        except TooLarge:
            request = received(scope, b"", self.reel.tape.lane_of_path)
            await self._exchange(wire, request, wrong=partial(too_large, request.lane))
            return
        if body is None:
            return
        _, _, path = scope["path"].partition("/")
        lane, _, _ = path.partition("/")
        if lane in self._forwards:
            await self._forward(lane, wire, scope, body)
            return
        request = received(scope, body, self.reel.tape.lane_of_path)
        match request.method, request.path:
            case "GET", path if is_of_models(path):
                await wire.answer(200, JSON, models(path))
            case "GET", "/ledger":
                exchanges = self.ledger.exchanges
                await wire.answer(200, JSON, orjson.dumps({"exchanges": exchanges}))
            case "POST", "/rewind":
                self.rewind()
                await wire.answer(200, JSON, b'{"rewound":true}')
            case _:
                wrong = partial(malformed, scope, body, request)
                await self._exchange(wire, request, wrong=wrong)

    async def aclose(self) -> None:
        for forward in self._forwards.values():
            await forward.aclose()

    async def _forward(self, lane: str, wire: Wire, scope: Scope, body: bytes) -> None:
        """What is asked of `/LANE/path` is asked of the lane's service, as `/path`."""
        prefix = f"/{lane}"
        own = {**scope, "path": scope["path"].removeprefix(prefix) or "/"}
        request = received(own, body, lambda *_: lane)
        asked = target(scope["raw_path"].decode("latin-1").removeprefix(prefix), request.query)
        pass_on = partial(self._forwards[lane].pass_on, scope, asked, body)
        await self._exchange(wire, request, pass_on)

    async def _exchange(
        self,
        wire: Wire,
        request: Request,
        pass_on: Passing | None = None,
        wrong: Callable[[int], Refused | None] = lambda call: None,
    ) -> None:
        """Serve one attempt, and write down what became of it; `wrong` says what is, if anything.

        A malformed request is written down without its body, of which nobody knows what it holds.
        """
        reel, refusals = self.reel, self.refusals
        call = self._calls[request.lane] = self._calls.get(request.lane, 0) + 1
        now_s = time.monotonic()
        fault = self.faults.at(request.lane, call, now_s, streamed=request.streamed)
        refusal = wrong(call)
        page = Exchange(
            lane=refusal.lane if refusal else request.lane,
            call=call,
            path=request.path,
            request=None if refusal else request.canonical,
            model=request.model,
            streamed=request.streamed,
            started_ms=(now_s - self._began_s) * 1000,
            fault=fault.name if fault else None,
        )
        flight = Flight(wire, request, self.ledger, page, self._began_s)
        if fault is not None and fault.name in WITHOUT_REPLY:
            await flight.fail(fault, self.faults)
            return
        if fault is not None and fault.name in LATE and not await self._waited(flight, fault):
            return
        if pass_on is not None:
            await flight.pass_on(pass_on)
            return
        try:
            if refusal is not None:
                raise refusal
            choice = self._chosen(reel, request, call)
            await flight.serve(choice, reel, fault)
        except Refused as refusal:
            refusals.append(refusal)
            await flight.refuse(refusal)

    async def _waited(self, flight: Flight, fault: Fault) -> bool:
        """Wait until other lanes have asked as often as the fault has it, and as long."""

        def have_asked() -> bool:
            return all(self._calls.get(lane, 0) >= calls for lane, calls in fault.until)

        return await flight.delayed(fault, have_asked)

    def _chosen(self, reel: Reel, request: Request, call: int) -> Choice:
        tape = reel.tape
        known = request.path in (*COMPLETIONS, EMBEDDINGS) and request.method == "POST"
        if not known and tape.lane_of_path(request.method, request.path, None) is None:
            raise unknown_path(tape, request, call)
        choice = reel.choose(request, call)
        if choice.drift is not None:
            self.drift.append(choice.drift)
        return choice


def _possible(faults: tuple[Fault, ...], forwards: Mapping[str, Forward]) -> tuple[Fault, ...]:
    for fault in faults:
        if fault.name in OF_A_TAPE and fault.lane in forwards:
            raise ValueError(f"{fault}: it can strike only what a tape answers")
    return faults
