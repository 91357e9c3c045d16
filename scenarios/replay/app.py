"""The application: what the replay server does with a request; ASGI, over one tape."""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import orjson

from scenarios.http_server.connection import BodyTooLargeError, Connection, Receive, Scope, Send
from scenarios.http_server.forwarding import ForwardingClient, request_target
from scenarios.replay.answer import JSON_CONTENT_TYPE
from scenarios.replay.exchange_handler import ExchangeHandler, ForwardCall
from scenarios.replay.faults import Fault, FaultSchedule
from scenarios.replay.ledger import Exchange, Ledger
from scenarios.replay.line_selector import LineSelector, SelectedLine
from scenarios.replay.openai_api.models import is_models_path, models_body
from scenarios.replay.refusal import RequestRefusedError, unknown_path_error
from scenarios.replay.request_validation import body_too_large_error, validate_request
from scenarios.tape.drift import Drift
from scenarios.tape.lane import parse_request
from scenarios.tape.request import COMPLETION_PATHS, EMBEDDINGS_PATH, Request
from scenarios.tape.tape import Tape

NO_REPLY_FAULTS = ("rate_limited", "unavailable", "hangs", "drops")
DELAY_FAULTS = ("slow", "held")
TAPED_REPLY_FAULTS = ("cut", "malformed")
"""Faults of a reply as the tape has it, which a service that is forwarded to gives as it likes."""


class ReplayApp:
    """The server's side of one run: its reel, its faults, its ledger."""

    def __init__(
        self,
        tape: Tape,
        faults: Iterable[Fault] = (),
        *,
        strict: bool = True,
        on_exchange: Callable[[Exchange], None] | None = None,
        service_urls: Mapping[str, str] | None = None,
    ) -> None:
        self._forwarding_clients = {
            lane: ForwardingClient(address) for lane, address in (service_urls or {}).items()
        }
        self.line_selector = LineSelector(tape, strict)
        self.faults = FaultSchedule(_require_applicable(tuple(faults), self._forwarding_clients))
        self.ledger = Ledger(on_exchange)
        self._started_s = time.monotonic()
        self.rewind()

    def rewind(self) -> None:
        """Everything is as before the first request."""
        self.line_selector = LineSelector(self.line_selector.tape, self.line_selector.strict)
        self.faults.rewind()
        self.ledger.clear()
        self.refusals: list[RequestRefusedError] = []
        self.drift: list[Drift] = []
        self._calls_by_lane: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection(scope, receive, send)
        try:
            body = await connection.read_body()
        except BodyTooLargeError:
            request = parse_request(scope, b"", self.line_selector.tape.lane_for_path)
            await self._handle_exchange(
                connection, request, validate=partial(body_too_large_error, request.lane)
            )
            return
        if body is None:
            return
        _, _, path = scope["path"].partition("/")
        lane, _, _ = path.partition("/")
        if lane in self._forwarding_clients:
            await self._handle_forwarded(lane, connection, scope, body)
            return
        request = parse_request(scope, body, self.line_selector.tape.lane_for_path)
        match request.method, request.path:
            case "GET", path if is_models_path(path):
                await connection.send_response(200, JSON_CONTENT_TYPE, models_body(path))
            case "GET", "/ledger":
                exchanges = self.ledger.exchanges
                await connection.send_response(
                    200, JSON_CONTENT_TYPE, orjson.dumps({"exchanges": exchanges})
                )
            case "POST", "/rewind":
                self.rewind()
                await connection.send_response(200, JSON_CONTENT_TYPE, b'{"rewound":true}')
            case _:
                wrong = partial(validate_request, scope, body, request)
                await self._handle_exchange(connection, request, validate=wrong)

    async def aclose(self) -> None:
        for forward in self._forwarding_clients.values():
            await forward.aclose()

    async def _handle_forwarded(
        self, lane: str, wire: Connection, scope: Scope, body: bytes
    ) -> None:
        """What is asked of `/LANE/path` is asked of the lane's service, as `/path`."""
        prefix = f"/{lane}"
        own = {**scope, "path": scope["path"].removeprefix(prefix) or "/"}
        request = parse_request(own, body, lambda *_: lane)
        asked = request_target(
            scope["raw_path"].decode("latin-1").removeprefix(prefix), request.query
        )
        pass_on = partial(self._forwarding_clients[lane].forward, scope, asked, body)
        await self._handle_exchange(wire, request, pass_on)

    async def _handle_exchange(
        self,
        connection: Connection,
        request: Request,
        forward: ForwardCall | None = None,
        validate: Callable[[int], RequestRefusedError | None] = lambda call: None,
    ) -> None:
        """Serve one attempt, and write down what became of it; `wrong` says what is, if anything.

        A malformed request is written down without its body, of which nobody knows what it holds.
        """
        selector, refusals = self.line_selector, self.refusals
        call = self._calls_by_lane[request.lane] = self._calls_by_lane.get(request.lane, 0) + 1
        now_s = time.monotonic()
        fault = self.faults.fault_for_call(request.lane, call, now_s, streamed=request.is_streamed)
        refusal = validate(call)
        entry = Exchange(
            lane=refusal.lane if refusal else request.lane,
            call=call,
            path=request.path,
            request=None if refusal else request.canonical_body,
            model=request.model,
            streamed=request.is_streamed,
            started_ms=(now_s - self._started_s) * 1000,
            fault=fault.name if fault else None,
        )
        handler = ExchangeHandler(connection, request, self.ledger, entry, self._started_s)
        if fault is not None and fault.name in NO_REPLY_FAULTS:
            await handler.send_failure(fault, self.faults)
            return
        if (
            fault is not None
            and fault.name in DELAY_FAULTS
            and not await self._wait_for_fault(handler, fault)
        ):
            return
        if forward is not None:
            await handler.forward(forward)
            return
        try:
            if refusal is not None:
                raise refusal
            selected = self._select_line(selector, request, call)
            await handler.send_reply(selected, selector, fault)
        except RequestRefusedError as refusal:
            refusals.append(refusal)
            await handler.send_refusal(refusal)

    async def _wait_for_fault(self, handler: ExchangeHandler, fault: Fault) -> bool:
        """Wait until other lanes have asked as often as the fault has it, and as long."""

        def have_asked() -> bool:
            return all(
                self._calls_by_lane.get(lane, 0) >= calls for lane, calls in fault.until_calls
            )

        return await handler.wait_for_fault(fault, have_asked)

    def _select_line(self, selector: LineSelector, request: Request, call: int) -> SelectedLine:
        tape = selector.tape
        known = request.path in (*COMPLETION_PATHS, EMBEDDINGS_PATH) and request.method == "POST"
        if not known and tape.lane_for_path(request.method, request.path, None) is None:
            raise unknown_path_error(tape, request, call)
        choice = selector.select(request, call)
        if choice.drift is not None:
            self.drift.append(choice.drift)
        return choice


def _require_applicable(
    faults: tuple[Fault, ...], forwarding_clients: Mapping[str, ForwardingClient]
) -> tuple[Fault, ...]:
    for fault in faults:
        if fault.name in TAPED_REPLY_FAULTS and fault.lane in forwarding_clients:
            raise ValueError(f"{fault}: it can strike only what a tape answers")
    return faults
