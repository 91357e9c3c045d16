"""The replay server answers whatever a stranger sends with a sentence, and the tape goes on."""

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

from scenarios.http_server import connection as wire
from scenarios.http_server.server import HOST
from scenarios.replay.replay_server import Replay, replayed
from tests.support.raw_http import CHAT, ask, chat, refusal, sent, spelt
from tests.support.tapes import says, tape

OPEN = [says("a", "yes") for _ in range(3000)]
BARE = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture(scope="module")
def replay() -> Generator[Replay]:
    """A server whose lane `a` has an answer for whatever is well spelt."""
    with replayed(tape(*OPEN)) as playing:
        yield playing


@pytest.mark.parametrize(
    ("request_", "status", "sentence"),
    [
        (spelt(b"no"), 400, "no JSON object"),
        (spelt(b""), 400, "it is empty"),
        (spelt(b"[]"), 400, "it is a list"),
        (spelt(b"\xff\xfe{"), 400, "no JSON object"),
        (spelt(b"[" * 100_000), 400, "no JSON object"),
        (spelt(b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), 400, "no JSON object"),
        (spelt(b'{"messages":' + b"[" * 900 + b"]" * 900 + b"}"), 400, "more than 100 levels"),
        (spelt(b'{"messages":[],"seed":NaN}'), 400, "a JSON value, line 1, column"),
        (spelt(b'{"messages":[],"seed":1e999}'), 400, "no JSON object"),
        (spelt(b'{"messages":[],"n":' + b"9" * 5000 + b"}"), 400, "no JSON object"),
        (spelt(b'{"messages":[{"content":"\\ud800"}]}'), 400, "surrogate"),
        (spelt(b"{}"), 400, 'no "messages"'),
        (spelt(b'{"messages":null}'), 400, "messages is a list of objects, this is null"),
        (spelt(chat(messages={"a": 1})), 400, "messages is a list of objects, this is an object"),
        (spelt(chat(messages=[7])), 400, "messages[0] is an object, this is a number"),
        (spelt(chat(messages=[{"content": 7}])), 400, "messages[0].content is a string or a list"),
        (spelt(chat(messages=[{"role": []}])), 400, "messages[0].role is a string, this is a list"),
        (spelt(chat(messages=[{"tool_calls": {}}])), 400, "messages[0].tool_calls is a list"),
        (spelt(chat(tools={"a": 1})), 400, "tools is a list of objects, this is an object"),
        (spelt(chat(stream="yes")), 400, "stream is a boolean, this is a string"),
        (spelt(chat(stream_options=1)), 400, "stream_options is an object, this is a number"),
        (spelt(chat(model=1)), 400, "model is a string, this is a number"),
        (spelt(b"{}", path=b"/v1/embeddings"), 400, 'no "input"'),
        (spelt(gzip.compress(chat()), b"content-encoding: gzip"), 400, "send it plain"),
        (spelt(chat(), lane=b"a" * 5000), 400, "at most 200 printable characters; this has 5000"),
        (spelt(chat(), lane=b"a\x9b2J"), 400, "printable"),
        (spelt(chat(), lane=b"a" * 1_000_000), 431, "65536 bytes"),
        (spelt(chat(), lane=b"a\x00b"), 400, "no request of HTTP/1.1"),
        (BARE + b"content-length: x\r\n\r\n{}", 400, "no request of HTTP/1.1"),
        (BARE + b"content-length: -1\r\n\r\n{}", 400, "no request of HTTP/1.1"),
        (BARE + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}", 400, "no request of HTTP/1.1"),
        (BARE + b"transfer-encoding: chunked\r\n\r\nzz\r\n", 400, "no request of HTTP/1.1"),
        (BARE + b"\r\n", 400, "it is empty"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "no request of HTTP/1.1"),
        (spelt(b"", method=b"OPTIONS", path=b"*"), 404, "answers no such path"),
        (spelt(b"", method=b"OPTIONS"), 404, "nearest: POST /v1/chat/completions"),
        (spelt(b"{}", method=b"PUT"), 404, "nearest: POST /v1/chat/completions"),
        (spelt(b"", method=b"CONNECT", path=b"x:1"), 400, "This is no proxy"),
        (spelt(b"{}", path=b"/%2e%2e/%2e%2e/etc/passwd"), 404, "/../../etc/passwd"),
        (spelt(b"{}", path=b"/" + b"a" * 9000), 404, "…"),
        (spelt(b"{}", path=b"/%ff%fe"), 404, "answers no such path"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_the_clients_mistake_and_told(
    request_: bytes, status: int, sentence: str, replay: Replay
) -> None:
    got, told = sent(replay, request_)
    assert (got, sentence in refusal(told)) == (status, True), told
    assert len(refusal(told)) < 2000
    assert ask(replay, "a") == "yes"


def test_what_is_odd_but_right_is_answered(replay: Replay) -> None:
    twice = b'{"messages":[],"messages":[{"role":"user","content":"x"}]}'
    chunks = b"x-agent-name: a\r\ntransfer-encoding: chunked\r\n\r\n"
    for request in (
        spelt(twice),
        spelt(chat(tools=None, stream=None, user="\x1b[2J")),
        BARE + chunks + b"%x\r\n%b\r\n0\r\n\r\n" % (len(chat()), chat()),
    ):
        assert sent(replay, request)[0] == 200


@pytest.mark.parametrize("apart", [False, True])
def test_an_offer_to_speak_another_protocol_is_passed_over(apart: bool, replay: Replay) -> None:
    """The HTTP client of Java makes one with its first request, before the body."""
    offer = (b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAMAAABk")
    request = spelt(chat(), *offer)
    if not apart:
        assert sent(replay, request)[0] == 200
        return
    with socket.create_connection((HOST, replay.port), timeout=5) as connection:
        head, _, body = request.partition(b"\r\n\r\n")
        for part in (head[:50], head[50:] + b"\r\n\r\n", body[:9], body[9:]):
            connection.sendall(part)
            time.sleep(0.02)
        assert b" 200 OK" in connection.recv(65536)


def test_requests_that_come_at_once_are_answered_in_turn() -> None:
    with replayed(tape(*(says("a", f"reply {n}") for n in range(3)))) as replay:
        with socket.create_connection((HOST, replay.port), timeout=5) as connection:
            connection.sendall(spelt(chat()) * 3)
            told = b""
            while told.count(b"HTTP/1.1 200") < 3 or b"reply 2" not in told:
                told += connection.recv(65536)
        assert re.findall(rb"reply \d", told) == [b"reply 0", b"reply 1", b"reply 2"]


def test_a_body_that_is_too_large_is_not_kept(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "LARGEST_MIB", 1)
    url = f"{replay.base_url}/chat/completions"
    parts = (b" " * 2**16 for _ in range(100))
    for content in (b" " * (3 * 2**20), parts):
        told = httpx.post(url, content=content, headers={"x-agent-name": "a"})
        assert told.status_code == 413
        assert "MiB is not read; send a smaller one" in refusal(told.json())
    assert replay.ledger.exchanges[-1].status == 413
    assert httpx.post(url, content=chat().ljust(2**20), headers={"x-agent-name": "a"}).is_success


def test_half_a_request_holds_up_nobody(replay: Replay) -> None:
    before = len(replay.ledger.exchanges)
    half = [socket.create_connection((HOST, replay.port)) for _ in range(300)]
    for number, connection in enumerate(half):
        connection.sendall(spelt(chat())[: 1 + number % 100])
    began_s = time.monotonic()
    assert ask(replay, "a") == "yes"
    assert time.monotonic() - began_s < 2
    for connection in half:
        connection.close()
    assert ask(replay, "a") == "yes"
    assert len(replay.ledger.exchanges) == before + 2


def test_a_client_that_leaves_amid_a_stream_leaves_its_line_to_be_played() -> None:
    with replayed(tape(says("a", "word " * 20_000))) as replay:
        connection = socket.create_connection((HOST, replay.port))
        connection.sendall(spelt(chat(stream=True)))
        connection.recv(100)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        while replay.ledger.exchanges[0].ended_ms is None:
            time.sleep(0.01)
        assert not replay.ledger.exchanges[0].delivered
        assert ask(replay, "a").startswith("word word")


def test_a_condition_without_end_is_given_up_and_the_lanes_go_on() -> None:
    with replayed(tape(says("a", "x", "(a|a)*$"), says("b", "y"))) as replay:
        text = "a" * 60 + "!"
        body = chat(messages=[{"role": "user", "content": text}])
        began_s = time.monotonic()
        status, told = sent(replay, spelt(body))
        assert time.monotonic() - began_s < 4
        assert status == 422
        assert 'case/tape.jsonl:1 [a] (a|a)*$: its "when" came to no end' in refusal(told)
        assert ask(replay, "b") == "y"
        assert len(replay.refusals) == 1


def test_a_malformed_request_is_an_attempt_and_stands_in_the_ledger_without_its_body() -> None:
    with replayed(tape(says("a", "x"))) as replay:
        sent(replay, spelt(b'{"api_key": "hidden-word", '))
        sent(replay, spelt(chat(stream="hidden-word")))
        assert ask(replay, "a") == "x"
        ledger = httpx.get(f"{replay.url}/ledger")
        assert [(e.call, e.status) for e in replay.ledger.exchanges] == [
            (1, 400),
            (2, 400),
            (3, 200),
        ]
        assert len(replay.refusals) == 2
        assert "hidden-word" not in ledger.text


leaf: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1e300, 2**63, "", "\x00", "\u2028", [], {}, [[]], [None], {"a": 1}]
) | st.text(max_size=5)
request_body = st.fixed_dictionaries(
    {},
    optional={
        "messages": leaf
        | st.lists(
            leaf
            | st.dictionaries(
                st.sampled_from(["role", "content", "tool_calls", "tool_call_id", "name"]), leaf
            ),
            max_size=3,
        ),
        "tools": leaf | st.lists(st.dictionaries(st.sampled_from(["type", "function"]), leaf)),
        "stream": leaf.filter(lambda value: value is not True),  # its answer is no JSON
        "instructions": leaf,
        "stream_options": leaf | st.just({"include_usage": True}),
        "model": leaf,
        "input": leaf,
        "response_format": leaf,
    },
)
FEW = settings(deadline=None, max_examples=60)


@FEW
@example(body={"messages": [[]], "input": ""}, path="embeddings")
@given(
    body=request_body,
    path=st.sampled_from(["chat/completions", "responses", "embeddings", "nothing"]),
)
def test_each_odd_request_gets_an_answer_or_a_sentence(
    body: Any, path: str, replay: Replay
) -> None:
    status, told = sent(replay, spelt(json.dumps(body).encode(), path=f"/v1/{path}".encode()))
    if status == 200:
        said = told["output"][0] if path == "responses" else told["choices"][0]["message"]
        assert said["content"]
    else:
        assert status in (400, 404, 422)
        assert refusal(told)
    page = replay.ledger.exchanges[-1]
    assert (page.status, page.delivered) == (status, status == 200)
    orjson.dumps(replay.ledger.exchanges)


words = st.sampled_from(
    [
        *(b"POST ", b"GET ", b"CONNECT ", CHAT, b"/rewind", b"*", b"http://x/", b" HTTP/1.1"),
        *(b"\r\n", b"\r\n\r\n", b"host: x", b"x-agent-name: a", b"content-length: ", b"5", b"{}"),
        *(b"transfer-encoding: chunked", b"expect: 100-continue"),
        *(b"connection: upgrade", b"upgrade: h2c"),
    ]
)


@FEW
@given(st.lists(words | st.binary(max_size=4), max_size=14).map(b"".join))
def test_no_bytes_stop_the_server_or_leave_it_without_a_sentence(raw: bytes) -> None:
    with replayed(tape(says("b", "y"))) as replay:
        with socket.create_connection((HOST, replay.port), timeout=0.05) as connection:
            connection.sendall(raw)
            with suppress(TimeoutError, ConnectionError):
                told = connection.recv(65536)
                assert not told or re.match(rb"HTTP/1.1 (100|200|4\d\d) ", told), told
        assert ask(replay, "b") == "y"


class Interleaved(RuleBasedStateMachine):
    """Strangers and two lanes that play their tape, one after the other in any order."""

    LINES = 30

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        lines = [says(lane, f"{lane} {n}") for n in range(self.LINES) for lane in "ab"]
        self.replay = self.stack.enter_context(replayed(tape(*lines)))
        self.played = {"a": 0, "b": 0}
        self.statuses: list[int] = []

    @rule(lane=st.sampled_from("ab"))
    def asks(self, lane: str) -> None:
        if self.played[lane] < self.LINES:
            assert ask(self.replay, lane) == f"{lane} {self.played[lane]}"
            self.played[lane] += 1
            self.statuses.append(200)

    @rule(lane=st.sampled_from([b"a", b"b", b"c", b""]), body=st.binary(max_size=20))
    def sends_no_json(self, lane: bytes, body: bytes) -> None:
        status, told = sent(self.replay, spelt(b"{" + body, lane=lane))
        assert status == 400
        assert refusal(told)
        self.statuses.append(400)

    @rule(path=st.sampled_from([b"/", b"/v1", b"/v1/../ledger", b"//"]))
    def asks_elsewhere(self, path: bytes) -> None:
        assert sent(self.replay, spelt(chat(), path=path))[0] == 404
        self.statuses.append(404)

    @rule(much=st.integers(0, 200))
    def sends_half(self, much: int) -> None:
        connection = socket.create_connection((HOST, self.replay.port))
        connection.sendall(spelt(chat())[: min(much, len(spelt(chat())) - 1)])
        self.stack.callback(connection.close)

    @rule()
    def begins_again(self) -> None:
        httpx.post(f"{self.replay.url}/rewind")
        self.played, self.statuses = {"a": 0, "b": 0}, []

    @invariant()
    def the_ledger_is_true(self) -> None:
        assert [page.status for page in self.replay.ledger.exchanges] == self.statuses

    def teardown(self) -> None:
        self.stack.close()


Interleaved.TestCase.settings = settings(deadline=None, max_examples=10, stateful_step_count=20)
TestInterleaved = Interleaved.TestCase
