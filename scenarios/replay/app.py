"""The replay server's ASGI application: read a request, route it, and have it answered.

One request passes six modules: `http_server/connection.py` (read) → this one (route) →
`exchange/request_parsing.py` (lane) → `exchange/exchange_handler.py` (log, faults, send) →
`selection/line_selector.py` → `exchange/answer.py`.
"""

from collections.abc import Callable, Mapping
from functools import partial

import orjson

from scenarios.recording.recorder import Recorder
from scenarios.replay.exchange.exchange_handler import ExchangeHandler
from scenarios.replay.exchange.replay_state import ReplayState
from scenarios.replay.exchange.request_parsing import RequestParser, parse_request
from scenarios.replay.exchange.request_validation import body_too_large_error, validate_request
from scenarios.replay.http_server.connection import (
    JSON_CONTENT_TYPE,
    BodyTooLargeError,
    Connection,
    Receive,
    Scope,
    Send,
)
from scenarios.replay.http_server.forwarding import (
    ForwardingClient,
    UndecodableBodyError,
    decode_body,
    decode_headers,
    request_target,
)
from scenarios.replay.http_server.server import explain_foreign_caller
from scenarios.replay.openai_api.embeddings_and_models import is_models_path, models_body
from scenarios.replay.openai_api.errors import error_body

CONTROL_ENDPOINTS = (("GET", "/ledger"), ("POST", "/rewind"))


class ReplayApp:
    """The ASGI application of one tape; `state` is what has been served since the last rewind."""

    def __init__(
        self,
        parser: RequestParser,
        new_state: Callable[[], ReplayState],
        service_urls: Mapping[str, str],
        recorder: Recorder | None,
    ) -> None:
        self._parser = parser
        self._new_state = new_state
        self._forwarding_clients = {
            lane: ForwardingClient(url) for lane, url in service_urls.items()
        }
        self._recorder = recorder
        self.state = new_state()

    def rewind(self) -> None:
        """Start again: all lines are unplayed, no fault has occurred, the ledger is empty."""
        self.state.faults.rewind()
        self.state.ledger.clear()
        self.state = self._new_state()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one HTTP request (ASGI)."""
        connection = Connection(scope, receive, send)
        try:
            body = await connection.read_body()
            if body is None:
                return
            first_segment = scope["path"].removeprefix("/").partition("/")[0]
            if first_segment in self._forwarding_clients:
                await self._forward(first_segment, connection, scope, body)
                return
            plain_body, encoding_problem = _decode(scope, body)
        except BodyTooLargeError:
            request = self._parser.parse(scope, b"")
            too_large = body_too_large_error(request.lane)
            await ExchangeHandler(self.state, connection, request, refusal=too_large).handle()
            return
        request = self._parser.parse(scope, plain_body)
        # To HEAD the server sends no body.
        endpoint = "GET" if request.method == "HEAD" else request.method, request.path
        if endpoint in CONTROL_ENDPOINTS and (
            message := explain_foreign_caller(scope, same_origin=True)
        ):
            await connection.send_response(403, JSON_CONTENT_TYPE, error_body(message))
            return
        match endpoint:
            case "GET", path if self._answers_with_model(path):
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
                refusal = validate_request(request, plain_body, encoding_problem)
                await ExchangeHandler(self.state, connection, request, refusal=refusal).handle()

    def _answers_with_model(self, path: str) -> bool:
        """Whether a path is that of the models of no recorded service and of no live endpoint."""
        tape = self.state.line_selector.tape
        is_live = self._recorder is not None
        return is_models_path(path) and not (is_live or tape.lane_for_path("GET", path, None))

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


def _decode(scope: Scope, body: bytes) -> tuple[bytes, str]:
    """Return a body without its content encoding, or as it is with the reason why."""
    try:
        return decode_body(decode_headers(scope), body), ""
    except UndecodableBodyError as error:
        return body, f"The request cannot be decoded: {error}. Send it unencoded."
