"""The replay server's ASGI application: read a request, route it, and have it answered.

One request passes six modules: `http_server/connection.py` (read) → this one (route) →
`exchange/request_parsing.py` (lane) → `exchange/exchange_handler.py` (log, faults, send) →
`selection/line_selector.py` → `exchange/answer.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import orjson

from scenarios.recording.recorder import Recorder
from scenarios.replay.exchange.exchange_handler import ExchangeHandler
from scenarios.replay.exchange.fault_injection import FaultSchedule
from scenarios.replay.exchange.replay_state import RecordedOrder, ReplayState
from scenarios.replay.exchange.request_parsing import RequestParser, parse_request
from scenarios.replay.exchange.request_validation import body_too_large_error, validate_request
from scenarios.replay.faults import Fault
from scenarios.replay.http_server.connection import (
    JSON_CONTENT_TYPE,
    BodyTooLargeError,
    Connection,
    Receive,
    Scope,
    Send,
)
from scenarios.replay.http_server.forwarding import ForwardingClient, request_target
from scenarios.replay.http_server.server import explain_foreign_caller
from scenarios.replay.ledger import Exchange, Ledger
from scenarios.replay.openai_api.errors import error_body
from scenarios.replay.openai_api.other_endpoints import is_models_path, models_body
from scenarios.replay.selection.fork import Fork, ForkedSelector
from scenarios.replay.selection.line_selector import LineSelector
from scenarios.tape.tape import Tape

CONTROL_ENDPOINTS = (("GET", "/ledger"), ("POST", "/rewind"))


class ReplayApp:
    """The ASGI application of one tape; `state` is what has been served since the last rewind."""

    def __init__(
        self,
        tape: Tape,
        faults: Iterable[Fault] = (),
        *,
        strict: bool = True,
        on_exchange: Callable[[Exchange], None] | None = None,
        service_urls: Mapping[str, str] | None = None,
        recorder: Recorder | None = None,
        keeps_order: bool = False,
        is_paced: bool = False,
        fork: Fork | None = None,
    ) -> None:
        self._tape = tape
        self._fork = fork
        self._recorder = recorder
        self._strict = strict
        self._parser = RequestParser(tape, strict)
        self._forwarding_clients = {
            lane: ForwardingClient(url) for lane, url in (service_urls or {}).items()
        }
        self._keeps_order = keeps_order or tape.header.keeps_order
        self._is_paced = is_paced
        schedule = FaultSchedule(faults, self._forwarding_clients)
        self.state = self._new_state(schedule, Ledger(on_exchange))

    def rewind(self) -> None:
        """Start again: all lines are unplayed, no fault has occurred, the ledger is empty."""
        faults, ledger = self.state.faults, self.state.ledger
        faults.rewind()
        ledger.clear()
        self.state = self._new_state(faults, ledger)

    def _new_state(self, faults: FaultSchedule, ledger: Ledger) -> ReplayState:
        fork = self._fork
        return ReplayState(
            ForkedSelector(self._tape, self._strict, fork)
            if fork is not None
            else LineSelector(self._tape, self._strict),
            faults,
            ledger,
            order=RecordedOrder(self._tape.lines) if self._keeps_order else None,
            is_paced=self._is_paced,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one HTTP request (ASGI)."""
        connection = Connection(scope, receive, send)
        try:
            body = await connection.read_body()
        except BodyTooLargeError:
            request = self._parser.parse(scope, b"")
            too_large = body_too_large_error(request.lane)
            await ExchangeHandler(self.state, connection, request, refusal=too_large).handle()
            return
        if body is None:
            return
        first_segment = scope["path"].removeprefix("/").partition("/")[0]
        if first_segment in self._forwarding_clients:
            await self._forward(first_segment, connection, scope, body)
            return
        request = self._parser.parse(scope, body)
        endpoint = request.method, request.path
        if endpoint in CONTROL_ENDPOINTS and (
            message := explain_foreign_caller(scope, same_origin=True)
        ):
            await connection.send_response(403, JSON_CONTENT_TYPE, error_body(message))
            return
        match endpoint:
            case "GET", path if is_models_path(path) and self._recorder is None:
                await connection.send_response(200, JSON_CONTENT_TYPE, models_body(path))
            case "GET", "/ledger":
                exchanges = orjson.dumps({"exchanges": self.state.ledger.exchanges})
                await connection.send_response(200, JSON_CONTENT_TYPE, exchanges)
            case "POST", "/rewind":
                self.rewind()
                await connection.send_response(200, JSON_CONTENT_TYPE, b'{"rewound":true}')
            case _ if self._recorder is not None:
                record = partial(self._recorder.forward, scope, body)
                await ExchangeHandler(self.state, connection, request, record=record).handle()
            case _:
                refusal = validate_request(scope, body, request)
                await ExchangeHandler(self.state, connection, request, refusal=refusal).handle()

    async def _forward(self, lane: str, connection: Connection, scope: Scope, body: bytes) -> None:
        """Forward `/LANE/path` to that lane's service as `/path`."""
        prefix = f"/{lane}"
        service_scope = {**scope, "path": scope["path"].removeprefix(prefix) or "/"}
        request = parse_request(service_scope, body, lambda *_: lane)
        raw_path = scope["raw_path"].decode("latin-1").removeprefix(prefix)
        target = request_target(raw_path, request.query)
        forward = partial(self._forwarding_clients[lane].forward, scope, target, body)
        await ExchangeHandler(self.state, connection, request, forward=forward).handle()

    async def aclose(self) -> None:
        """Close the connections to forwarded services and to recorded endpoints."""
        if self._recorder is not None:
            await self._recorder.aclose()
        for client in self._forwarding_clients.values():
            await client.aclose()
