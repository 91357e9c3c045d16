"""The replay server answers as an OpenAI-compatible endpoint does, by the rules of the tape."""

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


def test_a_plain_completion_is_what_the_client_expects() -> None:
    with replay_tape(make_tape(reply_line("a", "Good day."))) as replay:
        got = make_client(replay, "a").chat.completions.create(
            model=MODEL, messages=user_message("Hello!")
        )
    assert got.choices[0].message.content == "Good day."
    assert got.choices[0].finish_reason == "stop"
    assert got.model == MODEL
    assert got.usage is not None
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (4, 3)


def test_a_stream_arrives_in_several_pieces_and_ends_with_its_reason() -> None:
    with replay_tape(make_tape(reply_line("a", "one two three"))) as replay:
        stream = make_client(replay, "a").chat.completions.create(
            model=MODEL, messages=user_message("count"), stream=True
        )
        chunks = list(stream)
    pieces = [chunk.choices[0].delta.content for chunk in chunks]
    assert [piece for piece in pieces if piece] == ["one", " two", " three"]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_is_streamed_only_if_asked_for() -> None:
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


def test_parallel_tool_calls_arrive_with_ids_of_their_own_and_arguments_as_spelt() -> None:
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


def test_streamed_tool_calls_come_in_fragments_that_the_client_puts_together() -> None:
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


def test_a_structured_answer_is_parsed_by_the_client() -> None:
    line = reply_line("a", {"decision": "${word}", "notes": ['say "why"']}, "decide (?P<word>\\w+)")
    with replay_tape(make_tape(line)) as replay:
        got = make_client(replay, "a").chat.completions.parse(
            model=MODEL, messages=user_message("decide revise"), response_format=Verdict
        )
    assert got.choices[0].message.parsed == Verdict(decision="revise", notes=['say "why"'])


async def test_the_async_client_is_served_as_well() -> None:
    with replay_tape(make_tape(reply_line("a", "one"), reply_line("a", "two words"))) as replay:
        async with make_async_client(replay, "a") as asked:
            plain = await asked.chat.completions.create(model=MODEL, messages=user_message("x"))
            stream = await asked.chat.completions.create(
                model=MODEL, messages=user_message("x"), stream=True
            )
            pieces = [chunk.choices[0].delta.content async for chunk in stream]
    assert plain.choices[0].message.content == "one"
    assert "".join(piece or "" for piece in pieces) == "two words"


def test_embeddings_come_in_the_encoding_that_the_client_asks_for() -> None:
    line = {"lane": "e", "origin": "scripted", "path": "/v1/embeddings", "when": "altitude"}
    taped = make_tape(*[line | {"reply": {"embeddings": [[0.5, -0.25]]}}] * 2)
    with replay_tape(taped) as replay:
        embed = make_client(replay).embeddings.create
        plain = embed(model=MODEL, input="altitude", encoding_format="float")
        packed = embed(model=MODEL, input=["the altitude"])
    assert plain.data[0].embedding == packed.data[0].embedding == [0.5, -0.25]
    assert packed.usage.prompt_tokens == 2


def test_any_model_is_known() -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        models = make_client(replay).models
        assert [model.id for model in models.list()] == ["taped"]
        assert models.retrieve("qwen/qwen-plus").id == "qwen/qwen-plus"


def test_what_when_captures_flows_into_reply_and_arguments() -> None:
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


def test_a_line_is_chosen_by_what_the_request_holds() -> None:
    with replay_tape(
        make_tape(reply_line("a", "first", "apples"), reply_line("a", "second"))
    ) as replay:
        asked = make_client(replay, "a")
        assert [ask(asked, "pears"), ask(asked, "apples")] == ["second", "first"]


def test_tool_results_are_rendered_under_the_name_of_their_tool() -> None:
    line = reply_line("a", "${m}", r'^tool altitude: \{"metres":(?P<m>\d+)\}$')
    called = {"name": "altitude", "arguments": "{}"}
    messages: Any = [
        {"role": "assistant", "tool_calls": [{"id": "x", "type": "function", "function": called}]},
        {"role": "tool", "tool_call_id": "x", "content": '{"metres":3640}'},
    ]
    with replay_tape(make_tape(line)) as replay:
        got = make_client(replay, "a").chat.completions.create(model=MODEL, messages=messages)
    assert got.choices[0].message.content == "3640"


def test_a_longer_prompt_costs_more() -> None:
    with replay_tape(make_tape(reply_line("a", "x"), reply_line("a", "x"))) as replay:
        for text in ("short", "a good deal longer than that"):
            ask(make_client(replay, "a"), text)
    short, long = (exchange.input_tokens for exchange in replay.ledger.exchanges)
    assert long == short + 5


def test_outside_services_are_lanes_of_the_tape() -> None:
    found = service_line("tavily", "/search", {"results": ["${q}"]}, when='"query":"(?P<q>\\w+)"')
    country = service_line("bank", "/v2/country", [1], method="GET", when="country\\?iso=BO")
    with replay_tape(make_tape(found, country)) as replay:
        said = httpx.post(f"{replay.url}/search", json={"query": "tin", "api_key": "secret"})
        bank = httpx.get(f"{replay.url}/v2/country", params={"iso": "BO"})
    assert said.json() == {"results": ["tin"]}
    assert bank.json() == [1]
    assert [exchange.lane for exchange in replay.ledger.exchanges] == ["tavily", "bank"]
    assert "secret" not in str(replay.ledger.exchanges)


def test_a_client_without_a_name_gets_the_lane_of_its_system_prompt() -> None:
    with (
        replay_tape(make_tape(reply_line("~0", "x"))) as replay,
        pytest.raises(openai.APIStatusError),
    ):
        ask(make_client(replay))
    lane = replay.refusals[0].lane
    assert "fingerprint of its system prompt" in str(replay.refusals[0])
    with replay_tape(make_tape(reply_line(lane, "found"))) as replay:
        assert ask(make_client(replay), "whatever it asks") == "found"


def test_the_ledger_has_the_truth_and_can_be_asked_for() -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        ask(make_client(replay, "a"), "hello")
        told = httpx.get(f"{replay.url}/ledger").json()["exchanges"][0]
    (seen,) = replay.ledger.exchanges
    assert (seen.lane, seen.call, seen.line, seen.status, seen.delivered) == ("a", 1, 1, 200, True)
    assert seen.request == {"messages": [{"role": "user", "content": "hello"}]}
    assert seen.reply == {"content": "x"}
    assert seen.ended_ms is not None
    assert seen.ended_ms >= seen.started_ms
    assert told["request"] == seen.request
    assert "not-a-key" not in str(told)


def test_rewind_begins_the_tape_again() -> None:
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        for _ in range(2):
            assert ask(make_client(replay, "a")) == "x"
            httpx.post(f"{replay.url}/rewind")
        assert replay.ledger.exchanges == ()
        assert len(replay.unplayed_lines) == 1


def test_lines_that_nobody_asked_for_are_unplayed() -> None:
    with replay_tape(make_tape(reply_line("a", "x"), reply_line("b", "y"))) as replay:
        ask(make_client(replay, "b"))
    assert [line.location for line in replay.unplayed_lines] == ["case/tape.jsonl:1"]


def test_each_exchange_is_told_as_it_ends() -> None:
    told: list[Exchange] = []
    with replay_tape(make_tape(reply_line("a", "x")), on_exchange=told.append) as replay:
        ask(make_client(replay, "a"))
        assert told == list(replay.ledger.exchanges)


def test_it_listens_on_the_loopback_only_and_lets_its_port_go() -> None:
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


def test_it_leaves_no_thread() -> None:
    threads = set(threading.enumerate())
    with replay_tape(make_tape(reply_line("a", "x"))) as replay:
        ask(make_client(replay, "a"))
    assert set(threading.enumerate()) == threads
