"""The replay server is an OpenAI-compatible endpoint that answers from a tape."""

import threading
from typing import Any

import httpx
import openai
import orjson
import psutil  # type: ignore[import-untyped]  # it ships no annotations
import pytest
from pydantic import BaseModel

from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.tapes import (
    MODEL,
    ask,
    make_async_client,
    make_client,
    make_tape,
    reply_line,
    service_line,
    user_message,
)

TOOLS: Any = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("altitude", "population")
]


class Verdict(BaseModel):
    decision: str
    notes: list[str]


def test_the_openai_client_accepts_a_completion() -> None:
    with replay_tape(make_tape(reply_line("a", "Good day."))) as replay:
        got = make_client(replay, "a").chat.completions.create(
            model=MODEL, messages=user_message("Hello!")
        )
    assert got.choices[0].message.content == "Good day."
    assert got.choices[0].finish_reason == "stop"
    assert got.model == MODEL
    assert got.usage is not None
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (4, 3)


def test_a_stream_has_several_pieces_and_a_finish_reason() -> None:
    with replay_tape(make_tape(reply_line("a", "one two three"))) as replay:
        stream = make_client(replay, "a").chat.completions.create(
            model=MODEL, messages=user_message("count"), stream=True
        )
        chunks = list(stream)
    pieces = [chunk.choices[0].delta.content for chunk in chunks]
    assert [piece for piece in pieces if piece] == ["one", " two", " three"]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_is_streamed_only_if_requested() -> None:
    with replay_tape(make_tape(reply_line("a", "one two three"))) as replay:
        stream = make_client(replay, "a").chat.completions.create(
            model=MODEL,
            messages=user_message("count"),
            stream=True,
            stream_options={"include_usage": True},
        )
        last = list(stream)[-1]
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 3


def tool_calling_tape() -> Tape:
    places = [{"name": "altitude", "arguments": {"of": "Lhasa, the capital of Tibet"}}]
    return make_tape(
        reply_line("a", None, tool_calls=[*places, {"name": "population", "arguments": "{bad"}])
    )


def test_parallel_tool_calls_have_their_own_ids_and_unchanged_arguments() -> None:
    with replay_tape(tool_calling_tape()) as replay:
        got = make_client(replay, "a").chat.completions.create(
            model=MODEL, messages=user_message("both"), tools=TOOLS
        )
    calls: Any = got.choices[0].message.tool_calls
    assert [(call.id, call.function.name) for call in calls] == [
        ("call_a_1", "altitude"),
        ("call_a_2", "population"),
    ]
    assert orjson.loads(calls[0].function.arguments) == {"of": "Lhasa, the capital of Tibet"}
    assert calls[1].function.arguments == "{bad"
    assert got.choices[0].finish_reason == "tool_calls"


def test_the_openai_client_assembles_streamed_tool_calls() -> None:
    with replay_tape(tool_calling_tape()) as replay:
        create = make_client(replay, "a").chat.completions.stream
        with create(model=MODEL, messages=user_message("both"), tools=TOOLS) as stream:
            fragments = sum(event.type == "tool_calls.function.arguments.delta" for event in stream)
            got: Any = stream.get_final_completion().choices[0].message.tool_calls
    assert fragments > 3
    assert [call.function.arguments for call in got] == [
        '{"of":"Lhasa, the capital of Tibet"}',
        "{bad",
    ]


def test_the_openai_client_parses_a_structured_answer() -> None:
    line = reply_line("a", {"decision": "${word}", "notes": ['say "why"']}, "decide (?P<word>\\w+)")
    with replay_tape(make_tape(line)) as replay:
        got = make_client(replay, "a").chat.completions.parse(
            model=MODEL, messages=user_message("decide revise"), response_format=Verdict
        )
    assert got.choices[0].message.parsed == Verdict(decision="revise", notes=['say "why"'])


async def test_the_asynchronous_client_is_served() -> None:
    with replay_tape(make_tape(reply_line("a", "one"), reply_line("a", "two words"))) as replay:
        async with make_async_client(replay, "a") as client:
            plain = await client.chat.completions.create(model=MODEL, messages=user_message("x"))
            stream = await client.chat.completions.create(
                model=MODEL, messages=user_message("x"), stream=True
            )
            pieces = [chunk.choices[0].delta.content async for chunk in stream]
    assert plain.choices[0].message.content == "one"
    assert "".join(piece or "" for piece in pieces) == "two words"


def test_embeddings_have_the_requested_encoding() -> None:
    line = {"lane": "e", "origin": "scripted", "path": "/v1/embeddings", "when": "altitude"}
    taped = make_tape(*[line | {"reply": {"embeddings": [[0.5, -0.25]]}}] * 2)
    with replay_tape(taped) as replay:
        embed = make_client(replay).embeddings.create
        plain = embed(model=MODEL, input="altitude", encoding_format="float")
        packed = embed(model=MODEL, input=["the altitude"])
    assert plain.data[0].embedding == packed.data[0].embedding == [0.5, -0.25]
    assert packed.usage.prompt_tokens == 2


def test_every_model_name_exists() -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        models = make_client(replay).models
        assert [model.id for model in models.list()] == ["taped"]
        assert models.retrieve("qwen/qwen-plus").id == "qwen/qwen-plus"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/qwen", "/ledger"])
def test_head_is_answered_like_get_without_a_body(path: str) -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        got, head = (httpx.request(method, f"{replay.url}{path}") for method in ("GET", "HEAD"))
        assert not replay.ledger.exchanges
    assert (head.status_code, head.content) == (200, b"")
    names = ("content-type", "content-length")
    assert [head.headers[name] for name in names] == [got.headers[name] for name in names]


def test_captures_are_used_in_the_reply_and_in_arguments() -> None:
    call = {"name": "note", "arguments": {"high": ["${alt}"]}}
    line = reply_line(
        "a", "${alt}; $327.6; $${alt}", "lies (?P<alt>\\d+ m) high", tool_calls=[call]
    )
    with replay_tape(make_tape(line)) as replay:
        got = make_client(replay, "a").chat.completions.create(
            model=MODEL, messages=user_message("La Paz lies 3640 m high")
        )
    message: Any = got.choices[0].message
    assert message.content == "3640 m; $327.6; ${alt}"
    assert orjson.loads(message.tool_calls[0].function.arguments) == {"high": ["3640 m"]}


def test_a_line_is_selected_by_the_content_of_the_request() -> None:
    with replay_tape(
        make_tape(reply_line("a", "first", "apples"), reply_line("a", "second"))
    ) as replay:
        client = make_client(replay, "a")
        assert [ask(client, "pears"), ask(client, "apples")] == ["second", "first"]


def test_tool_results_are_rendered_with_the_name_of_their_tool() -> None:
    line = reply_line("a", "${m}", r'^tool altitude: \{"metres":(?P<m>\d+)\}$')
    called = {"name": "altitude", "arguments": "{}"}
    messages: Any = [
        {"role": "assistant", "tool_calls": [{"id": "x", "type": "function", "function": called}]},
        {"role": "tool", "tool_call_id": "x", "content": '{"metres":3640}'},
    ]
    with replay_tape(make_tape(line)) as replay:
        got = make_client(replay, "a").chat.completions.create(model=MODEL, messages=messages)
    assert got.choices[0].message.content == "3640"


def test_a_longer_prompt_has_more_tokens() -> None:
    with replay_tape(make_tape(reply_line("a", "x"), reply_line("a", "x"))) as replay:
        for text in ("short", "a good deal longer than that"):
            ask(make_client(replay, "a"), text)
    short, long = (exchange.input_tokens for exchange in replay.ledger.exchanges)
    assert long == short + 5


def test_outside_services_are_lanes_of_the_tape() -> None:
    found = service_line("tavily", "/search", {"results": ["${q}"]}, when='"query":"(?P<q>\\w+)"')
    country = service_line("bank", "/v2/country", [1], method="GET", when="country\\?iso=BO")
    with replay_tape(make_tape(found, country)) as replay:
        search = httpx.post(f"{replay.url}/search", json={"query": "tin", "api_key": "secret"})
        bank = httpx.get(f"{replay.url}/v2/country", params={"iso": "BO"})
    assert search.json() == {"results": ["tin"]}
    assert bank.json() == [1]
    assert [exchange.lane for exchange in replay.ledger.exchanges] == ["tavily", "bank"]
    assert "secret" not in str(replay.ledger.exchanges)


def test_an_anonymous_client_gets_a_lane_from_its_system_prompt() -> None:
    with (
        replay_tape(make_tape(reply_line("~0", "x"))) as replay,
        pytest.raises(openai.APIStatusError),
    ):
        ask(make_client(replay))
    lane = replay.refusals[0].lane
    assert "fingerprint of the system prompt" in str(replay.refusals[0])
    with replay_tape(make_tape(reply_line(lane, "found"))) as replay:
        assert ask(make_client(replay), "any question") == "found"


def test_the_ledger_has_the_exchange_and_can_be_requested() -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        ask(make_client(replay, "a"), "hello")
        logged = httpx.get(f"{replay.url}/ledger").json()["exchanges"][0]
    (exchange,) = replay.ledger.exchanges
    assert (exchange.lane, exchange.call, exchange.line, exchange.status, exchange.delivered) == (
        "a",
        1,
        1,
        200,
        True,
    )
    assert exchange.request == {"messages": [{"role": "user", "content": "hello"}]}
    assert exchange.reply == {"content": "x"}
    assert exchange.ended_ms is not None
    assert exchange.ended_ms >= exchange.started_ms
    assert logged["request"] == exchange.request
    assert "not-a-key" not in str(logged)


def test_rewind_restarts_the_tape() -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        for _ in range(2):
            assert ask(make_client(replay, "a")) == "x"
            httpx.post(f"{replay.url}/rewind")
        assert replay.ledger.exchanges == ()
        assert len(replay.unplayed_lines) == 1


def test_lines_that_were_not_requested_are_unplayed() -> None:
    with replay_tape(make_tape(reply_line("a", "x"), reply_line("b", "y"))) as replay:
        ask(make_client(replay, "b"))
    assert [line.location for line in replay.unplayed_lines] == ["case/tape.jsonl:1"]


def test_on_exchange_is_called_when_an_exchange_ends() -> None:
    ended: list[Exchange] = []
    with replay_tape(make_tape(reply_line("a", "x")), on_exchange=ended.append) as replay:
        ask(make_client(replay, "a"))
        assert ended == list(replay.ledger.exchanges)


def test_it_listens_on_127_0_0_1_only_and_releases_its_port() -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        listening = [
            connection.laddr
            for connection in psutil.Process().net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert [address.ip for address in listening] == ["127.0.0.1"]
        assert listening[0].port == replay.port
    with replay_tape(make_tape(reply_line("a", "x")), port=replay.port) as again:
        assert again.port == replay.port


def test_it_leaves_no_thread_behind() -> None:
    threads = set(threading.enumerate())
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        ask(make_client(replay, "a"))
    assert set(threading.enumerate()) == threads
