"""The replay server answers every malformed request with an error message, and keeps serving."""

import gzip
import json
import re
import socket
import struct
import time
from collections.abc import Generator
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from scenarios.replay.faults import slow
from scenarios.replay.http_server import connection as http_connection
from scenarios.replay.http_server import protocol as http_protocol
from scenarios.replay.http_server.server import HOST
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.raw_http import CHAT_PATH, ask, chat_body, error_message, raw_request, send_raw
from tests.support.tapes import make_tape, reply_line, service_line

MANY_ANSWERS = [reply_line("a", "yes") for _ in range(3000)]
BARE_HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def replay() -> Generator[ReplayServer]:
    """A server whose lane `a` answers every valid request."""
    with replay_tape(make_tape(*MANY_ANSWERS)) as server:
        yield server


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (raw_request(b"no"), 400, "not a JSON object"),
        (raw_request(b""), 400, "it is empty"),
        (raw_request(b"[]"), 400, "it is a list"),
        (raw_request(b"\xff\xfe{"), 400, "not a JSON object"),
        (raw_request(b"[" * 100_000), 400, "not a JSON object"),
        (
            raw_request(b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
            400,
            "not a JSON object",
        ),
        (
            raw_request(b'{"messages":' + b"[" * 900 + b"]" * 900 + b"}"),
            400,
            "more than 100 levels",
        ),
        (raw_request(b'{"messages":[],"seed":NaN}'), 400, "a JSON value, line 1, column"),
        (raw_request(b'{"messages":[],"seed":1e999}'), 400, "not a JSON object"),
        (raw_request(b'{"messages":[],"n":' + b"9" * 5000 + b"}"), 400, "not a JSON object"),
        (raw_request(b'{"messages":[{"content":"\\ud800"}]}'), 400, "surrogate"),
        (raw_request(b"{}"), 400, 'no "messages"'),
        (raw_request(b'{"messages":null}'), 400, "messages must be a list of objects, not null"),
        (
            raw_request(chat_body(messages={"a": 1})),
            400,
            "messages must be a list of objects, not an object",
        ),
        (raw_request(chat_body(messages=[7])), 400, "messages[0] must be an object, not a number"),
        (
            raw_request(chat_body(messages=[{"content": 7}])),
            400,
            "messages[0].content must be a string or a list",
        ),
        (
            raw_request(chat_body(messages=[{"role": []}])),
            400,
            "messages[0].role must be a string, not a list",
        ),
        (
            raw_request(chat_body(messages=[{"tool_calls": {}}])),
            400,
            "messages[0].tool_calls must be a list",
        ),
        (
            raw_request(chat_body(tools={"a": 1})),
            400,
            "tools must be a list of objects, not an object",
        ),
        (raw_request(chat_body(stream="yes")), 400, "stream must be a boolean, not a string"),
        (
            raw_request(chat_body(stream_options=1)),
            400,
            "stream_options must be an object, not a number",
        ),
        (raw_request(chat_body(model=1)), 400, "model must be a string, not a number"),
        (raw_request(b"{}", path=b"/v1/embeddings"), 400, 'no "input"'),
        (
            raw_request(gzip.compress(chat_body()), b"content-encoding: zstd9"),
            400,
            "a body is encoded as 'zstd9'",
        ),
        (
            raw_request(chat_body(), b"content-encoding: gzip"),
            400,
            "Send it unencoded.",
        ),
        (
            raw_request(chat_body(), lane=b"a" * 5000),
            400,
            "at most 200 printable characters; this one has 5000",
        ),
        (raw_request(chat_body(), lane=b"a\x9b2J"), 400, "printable"),
        (raw_request(chat_body(), lane=b"a" * 1_000_000), 431, "65536 bytes"),
        (raw_request(chat_body(), lane=b"a\x00b"), 400, "not a valid HTTP/1.1 request"),
        (BARE_HEAD + b"content-length: x\r\n\r\n{}", 400, "not a valid HTTP/1.1 request"),
        (BARE_HEAD + b"content-length: -1\r\n\r\n{}", 400, "not a valid HTTP/1.1 request"),
        (
            BARE_HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
            400,
            "not a valid HTTP/1.1 request",
        ),
        (
            BARE_HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
            400,
            "not a valid HTTP/1.1 request",
        ),
        (BARE_HEAD + b"\r\n", 400, "it is empty"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "not a valid HTTP/1.1 request"),
        (raw_request(b"", method=b"OPTIONS", path=b"*"), 404, "has no such path"),
        (raw_request(b"", method=b"OPTIONS"), 404, "nearest: POST /v1/chat/completions"),
        (raw_request(b"{}", method=b"PUT"), 404, "nearest: POST /v1/chat/completions"),
        (raw_request(b"", method=b"CONNECT", path=b"x:1"), 400, "This server is not a proxy"),
        (
            raw_request(b"", b"connection: upgrade", b"upgrade: websocket", method=b"GET"),
            501,
            "WebSockets are neither recorded nor replayed",
        ),
        (raw_request(b"{}", path=b"/%2e%2e/%2e%2e/etc/passwd"), 404, "/../../etc/passwd"),
        (raw_request(b"{}", path=b"/" + b"a" * 9000), 404, "…"),
        (raw_request(b"{}", path=b"/%ff%fe"), 404, "has no such path"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_invalid_request_gets_an_error_message(
    request_: bytes, status: int, reason: str, replay: ReplayServer
) -> None:
    got, body = send_raw(replay, request_)
    assert (got, reason in error_message(body)) == (status, True), body
    assert len(error_message(body)) < 2000
    assert ask(replay, "a") == "yes"


def test_unusual_but_valid_requests_are_answered(replay: ReplayServer) -> None:
    duplicate_key = b'{"messages":[],"messages":[{"role":"user","content":"x"}]}'
    chunks = b"x-agent-name: a\r\ntransfer-encoding: chunked\r\n\r\n"
    for request in (
        raw_request(duplicate_key),
        raw_request(chat_body(tools=None, stream=None, user="\x1b[2J")),
        BARE_HEAD + chunks + b"%x\r\n%b\r\n0\r\n\r\n" % (len(chat_body()), chat_body()),
    ):
        assert send_raw(replay, request)[0] == 200


@pytest.mark.parametrize("in_parts", [False, True])
def test_an_offered_upgrade_is_ignored(in_parts: bool, replay: ReplayServer) -> None:
    """Java's HTTP client offers h2c with its first request."""
    offer = (b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAMAAABk")
    request = raw_request(chat_body(), *offer)
    if not in_parts:
        assert send_raw(replay, request)[0] == 200
        return
    with socket.create_connection((HOST, replay.port), timeout=5) as connection:
        head, _, body = request.partition(b"\r\n\r\n")
        for part in (head[:50], head[50:] + b"\r\n\r\n", body[:9], body[9:]):
            connection.sendall(part)
            time.sleep(0.02)
        assert b" 200 OK" in connection.recv(65536)


def test_a_client_of_http_1_0_gets_a_stream_with_its_length(replay: ReplayServer) -> None:
    request = raw_request(chat_body(stream=True)).replace(b"HTTP/1.1", b"HTTP/1.0")
    with socket.create_connection((HOST, replay.port), timeout=5) as connection:
        connection.sendall(request)
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert b"content-length: %d" % len(body) in head
    assert body.startswith(b"data: {")
    assert body.endswith(b"data: [DONE]\n\n")


def test_an_answer_without_content_leaves_the_connection_to_the_next_request() -> None:
    line = service_line("s", "/x", None, method="DELETE")
    empty = line | {"reply": {"status": 204, "text": "x"}}
    with replay_tape(make_tape(empty, line)) as replay, httpx.Client(base_url=replay.url) as client:
        first, second = (client.delete("/x") for _ in range(2))
    assert (first.status_code, first.content) == (204, b"")
    assert "content-length" not in first.headers
    assert (second.status_code, second.json()) == (200, None)


def test_pipelined_requests_are_answered_in_order() -> None:
    with replay_tape(make_tape(*(reply_line("a", f"reply {n}") for n in range(3)))) as replay:
        with socket.create_connection((HOST, replay.port), timeout=5) as connection:
            connection.sendall(raw_request(chat_body()) * 3)
            received = b""
            while received.count(b"HTTP/1.1 200") < 3 or b"reply 2" not in received:
                received += connection.recv(65536)
        assert re.findall(rb"reply \d", received) == [b"reply 0", b"reply 1", b"reply 2"]


def test_a_body_that_is_too_large_is_rejected(
    replay: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "MAX_BODY_MIB", 1)
    url = f"{replay.base_url}/chat/completions"
    parts = (b" " * 2**16 for _ in range(100))
    for content in (b" " * (3 * 2**20), parts):
        received = httpx.post(url, content=content, headers={"x-agent-name": "a"})
        assert received.status_code == 413
        assert "MiB; send a smaller one" in error_message(received.json())
    assert replay.ledger.exchanges[-1].status == 413
    assert httpx.post(
        url, content=chat_body().ljust(2**20), headers={"x-agent-name": "a"}
    ).is_success


def test_incomplete_requests_do_not_block_others(replay: ReplayServer) -> None:
    before = len(replay.ledger.exchanges)
    half = [socket.create_connection((HOST, replay.port)) for _ in range(300)]
    for number, connection in enumerate(half):
        connection.sendall(raw_request(chat_body())[: 1 + number % 100])
    started_s = time.monotonic()
    assert ask(replay, "a") == "yes"
    assert time.monotonic() - started_s < 2
    for connection in half:
        connection.close()
    assert ask(replay, "a") == "yes"
    assert len(replay.ledger.exchanges) == before + 2


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"POST /v1/chat", b"The head of the request paused for 0.5 s."),
        (raw_request(chat_body())[:-5], b"The body of the request paused for 0.5 s."),
        (raw_request(b"") + BARE_HEAD, b"The head of the request paused for 0.5 s."),
    ],
    ids=["nothing", "half a head", "half a body", "half a second head"],
)
def test_a_request_that_is_never_completed_is_ended(
    sent: bytes, answer: bytes, replay: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_TIMEOUT_S", 0.5)
    with socket.create_connection((HOST, replay.port), timeout=5) as connection:
        connection.sendall(sent)
        received = connection.makefile("rb").read()
    assert answer in received
    assert (b"HTTP/1.1 408 Request Timeout" in received) == bool(answer)


def receive_until(connection: socket.socket, text: bytes) -> None:
    """Read until the text arrives; a head and its body may arrive apart."""
    received = b""
    while text not in received:
        chunk = connection.recv(65536)
        assert chunk, f"the server closed the connection after {received!r}"
        received += chunk


def test_a_slow_answer_and_an_idle_connection_are_not_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_TIMEOUT_S", 0.5)
    lines = [reply_line("a", "one"), reply_line("a", "two")]
    with (
        replay_tape(make_tape(*lines), [slow("a", delay_s=0.8)]) as replay,
        socket.create_connection((HOST, replay.port), timeout=5) as connection,
    ):
        request = raw_request(chat_body())
        connection.sendall(request + request[:40])
        receive_until(connection, b'"one"')
        connection.sendall(request[40:])
        receive_until(connection, b'"two"')
        time.sleep(0.7)
        connection.sendall(request)
        receive_until(connection, b" 422 ")


def test_a_thousand_clients_can_connect_at_once(replay: ReplayServer) -> None:
    slowest_s = 0.0
    with ExitStack() as stack:
        for _ in range(1000):
            began_s = time.monotonic()
            stack.enter_context(socket.create_connection((HOST, replay.port), timeout=5))
            slowest_s = max(slowest_s, time.monotonic() - began_s)
        # A client that finds no place in the queue tries again after a second.
        assert slowest_s < 1.0
        assert ask(replay, "a") == "yes"


def test_a_client_that_leaves_during_a_stream_does_not_use_up_the_line() -> None:
    with replay_tape(make_tape(reply_line("a", "word " * 20_000))) as replay:
        connection = socket.create_connection((HOST, replay.port))
        connection.sendall(raw_request(chat_body(stream=True)))
        connection.recv(100)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        while replay.ledger.exchanges[0].ended_ms is None:
            time.sleep(0.01)
        assert not replay.ledger.exchanges[0].delivered
        assert ask(replay, "a").startswith("word word")


@pytest.mark.long
def test_an_endless_condition_is_stopped_and_other_lanes_are_served() -> None:
    with replay_tape(make_tape(reply_line("a", "x", "(a|a)*$"), reply_line("b", "y"))) as replay:
        text = "a" * 60 + "!"
        body = chat_body(messages=[{"role": "user", "content": text}])
        started_s = time.monotonic()
        status, received = send_raw(replay, raw_request(body))
        assert time.monotonic() - started_s < 20  # some searches of a second, instead of for ever
        assert status == 422
        assert (
            'case/tape.jsonl:1 [a] (a|a)*$: the search for its "when" was stopped'
            in error_message(received)
        )
        assert ask(replay, "b") == "y"
        assert len(replay.refusals) == 1


def test_an_invalid_request_is_logged_without_its_body() -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        send_raw(replay, raw_request(b'{"api_key": "hidden-word", '))
        send_raw(replay, raw_request(chat_body(stream="hidden-word")))
        assert ask(replay, "a") == "x"
        ledger = httpx.get(f"{replay.url}/ledger")
        assert [(e.call, e.status) for e in replay.ledger.exchanges] == [
            (1, 400),
            (2, 400),
            (3, 200),
        ]
        assert len(replay.refusals) == 2
        assert "hidden-word" not in ledger.text


json_leaves: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1e300, 2**63, "", "\x00", "\u2028", [], {}, [[]], [None], {"a": 1}]
) | st.text(max_size=5)
request_body = st.fixed_dictionaries(
    {},
    optional={
        "messages": json_leaves
        | st.lists(
            json_leaves
            | st.dictionaries(
                st.sampled_from(["role", "content", "tool_calls", "tool_call_id", "name"]),
                json_leaves,
            ),
            max_size=3,
        ),
        "tools": json_leaves
        | st.lists(st.dictionaries(st.sampled_from(["type", "function"]), json_leaves)),
        "stream": json_leaves.filter(lambda value: value is not True),  # a stream is not JSON
        "instructions": json_leaves,
        "stream_options": json_leaves | st.just({"include_usage": True}),
        "model": json_leaves,
        "input": json_leaves,
        "response_format": json_leaves,
    },
)
few_examples = settings(deadline=None, max_examples=60)


@few_examples
@example(body={"messages": [[]], "input": ""}, path="embeddings")
@given(
    body=request_body,
    path=st.sampled_from(["chat/completions", "responses", "embeddings", "nothing"]),
)
def test_arbitrary_bodies_get_an_answer_or_an_error_message(
    body: Any, path: str, replay: ReplayServer
) -> None:
    status, received = send_raw(
        replay, raw_request(json.dumps(body).encode(), path=f"/v1/{path}".encode())
    )
    if status == 200:
        reply = received["output"][0] if path == "responses" else received["choices"][0]["message"]
        assert reply["content"]
    else:
        assert status in (400, 404, 422)
        assert error_message(received)
    exchange = replay.ledger.exchanges[-1]
    assert (exchange.status, exchange.delivered) == (status, status == 200)
    orjson.dumps(replay.ledger.exchanges)


request_fragments = st.sampled_from(
    [
        *(b"POST ", b"GET ", b"CONNECT ", CHAT_PATH, b"/rewind", b"*", b"http://x/", b" HTTP/1.1"),
        *(
            b"\r\n",
            b"\r\n\r\n",
            b"host: 127.0.0.1",
            b"x-agent-name: a",
            b"content-length: ",
            b"5",
            b"{}",
        ),
        *(b"transfer-encoding: chunked", b"expect: 100-continue"),
        *(b"connection: upgrade", b"upgrade: h2c"),
    ]
)


@pytest.mark.long
@few_examples
@given(st.lists(request_fragments | st.binary(max_size=4), max_size=14).map(b"".join))
def test_arbitrary_bytes_do_not_stop_the_server(raw: bytes) -> None:
    with replay_tape(make_tape(reply_line("b", "y"))) as replay:
        with socket.create_connection((HOST, replay.port), timeout=0.05) as connection:
            connection.sendall(raw)
            with suppress(TimeoutError, ConnectionError):
                received = connection.recv(65536)
                assert not received or re.match(rb"HTTP/1.1 (100|200|4\d\d) ", received), received
        assert ask(replay, "b") == "y"


class InterleavedRequests(RuleBasedStateMachine):
    """Invalid requests between the valid requests of two lanes, in any order."""

    LINES = 30

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        lines = [reply_line(lane, f"{lane} {n}") for n in range(self.LINES) for lane in "ab"]
        self.replay = self.stack.enter_context(replay_tape(make_tape(*lines)))
        self.served = {"a": 0, "b": 0}
        self.statuses: list[int] = []

    @rule(lane=st.sampled_from("ab"))
    def ask_in_lane(self, lane: str) -> None:
        if self.served[lane] < self.LINES:
            assert ask(self.replay, lane) == f"{lane} {self.served[lane]}"
            self.served[lane] += 1
            self.statuses.append(200)

    @rule(lane=st.sampled_from([b"a", b"b", b"c", b""]), body=st.binary(max_size=20))
    def send_invalid_json(self, lane: bytes, body: bytes) -> None:
        status, received = send_raw(self.replay, raw_request(b"{" + body, lane=lane))
        assert status == 400
        assert error_message(received)
        self.statuses.append(400)

    @rule(path=st.sampled_from([b"/", b"/v1", b"/v1/../ledger", b"//"]))
    def request_unknown_path(self, path: bytes) -> None:
        assert send_raw(self.replay, raw_request(chat_body(), path=path))[0] == 404
        self.statuses.append(404)

    @rule(size=st.integers(0, 200))
    def send_incomplete_request(self, size: int) -> None:
        connection = socket.create_connection((HOST, self.replay.port))
        connection.sendall(raw_request(chat_body())[: min(size, len(raw_request(chat_body())) - 1)])
        self.stack.callback(connection.close)

    @rule()
    def rewind(self) -> None:
        httpx.post(f"{self.replay.url}/rewind")
        self.served, self.statuses = {"a": 0, "b": 0}, []

    @invariant()
    def ledger_matches(self) -> None:
        assert [exchange.status for exchange in self.replay.ledger.exchanges] == self.statuses

    def teardown(self) -> None:
        self.stack.close()


InterleavedRequests.TestCase.settings = settings(
    deadline=None, max_examples=10, stateful_step_count=20
)
TestInterleaved = pytest.mark.long(InterleavedRequests.TestCase)
