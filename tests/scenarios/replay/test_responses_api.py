"""The replay server also serves OpenAI's Responses API, from the same lines of a tape."""

import json
from typing import Any

import httpx
import openai
import orjson
import pytest

from scenarios.replay.faults import cuts_stream, malformed_reply, rate_limited
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.tape.requests.drift import compare_requests
from scenarios.tape.tape import Tape, TapeError
from tests.support.tapes import MODEL, make_async_client, make_client, make_tape, reply_line

TOOLS: Any = [{"type": "function", "name": "altitude", "parameters": {"type": "object"}}]
LA_PAZ = {"name": "altitude", "arguments": {"city": "La Paz"}}


def create_response(client: openai.OpenAI, text: Any = "go on", **more: Any) -> Any:
    return client.responses.create(model=MODEL, input=text, **more)


def stream_response(client: openai.OpenAI, text: Any = "go on", **more: Any) -> list[Any]:
    return list(create_response(client, text, stream=True, **more))


def only_exchange(replay: ReplayServer) -> Exchange:
    (exchange,) = replay.ledger.exchanges
    return exchange


def test_a_plain_response_is_what_the_client_expects() -> None:
    with replay_tape(make_tape(reply_line("a", "Good day."))) as replay:
        got = create_response(make_client(replay, "a"), "Hello!")
    assert (got.output_text, got.status, got.model) == ("Good day.", "completed", MODEL)
    assert (got.usage.input_tokens, got.usage.output_tokens) == (4, 3)


def test_the_ledger_logs_a_response_like_a_chat() -> None:
    with replay_tape(make_tape(reply_line("a", None, tool_calls=[LA_PAZ]))) as replay:
        create_response(make_client(replay, "a"), "Hello!", tools=TOOLS)
    exchange = only_exchange(replay)
    assert exchange.path == "/v1/responses"
    assert exchange.request == {"input": "Hello!", "tools": TOOLS}
    assert exchange.reply is not None
    assert exchange.reply["tool_calls"][0]["name"] == "altitude"
    assert (exchange.tool_calls, exchange.delivered, exchange.line) == (1, True, 1)
    assert exchange.input_tokens
    assert exchange.output_tokens


def test_a_streamed_message_has_all_its_events() -> None:
    with replay_tape(make_tape(reply_line("a", "one two"))) as replay:
        events = stream_response(make_client(replay, "a"))
    assert [event.type.removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event.sequence_number for event in events] == list(range(10))
    assert (events[0].response.status, events[0].response.usage) == ("in_progress", None)
    assert events[-1].response.output_text == "one two"
    assert events[-1].response.usage.output_tokens == 2


def test_the_arguments_of_a_tool_call_are_streamed_in_pieces() -> None:
    with replay_tape(make_tape(reply_line("a", None, tool_calls=[LA_PAZ, LA_PAZ]))) as replay:
        events = stream_response(make_client(replay, "a"), tools=TOOLS)
    pieces = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
    assert "".join(pieces) == 2 * '{"city":"La Paz"}'
    (*_, last) = events
    assert [item.call_id for item in last.response.output] == ["call_a_1", "call_a_2"]


def test_the_openai_client_assembles_the_stream() -> None:
    with (
        replay_tape(
            make_tape(reply_line("a", "one two", reasoning_content="count them"))
        ) as replay,
        make_client(replay, "a").responses.stream(model=MODEL, input="count") as stream,
    ):
        final = stream.get_final_response()
    assert [item.type for item in final.output] == ["reasoning", "message"]
    assert final.output_text == "one two"


def test_a_refusal_is_a_part_of_the_message() -> None:
    with replay_tape(make_tape(reply_line("a", None, refusal="I will not."))) as replay:
        events = stream_response(make_client(replay, "a"))
    assert "response.refusal.delta" in [event.type for event in events]
    assert events[-1].response.output[0].content[0].refusal == "I will not."


async def test_a_response_cut_by_the_token_limit_is_incomplete() -> None:
    with replay_tape(make_tape(reply_line("a", "one two", finish_reason="length"))) as replay:
        async with make_async_client(replay, "a") as client:
            got = await client.responses.create(model=MODEL, input="count")
    assert got.status == "incomplete"
    assert got.incomplete_details is not None
    assert got.incomplete_details.reason == "max_output_tokens"


def test_a_condition_is_searched_in_the_equivalent_chat() -> None:
    pattern = (
        r"tools: altitude\nsystem: Be brief\.\nuser: How high\?\n"
        r'assistant calls altitude\({"city":"La Paz"}\)\ntool altitude: 3640'
    )
    lines = [
        reply_line("a", "high", when=pattern),
        reply_line("a", None, when="high", tool_calls=[LA_PAZ]),
    ]
    with replay_tape(make_tape(*lines)) as replay:
        client = make_client(replay, "a")
        question: list[Any] = [{"role": "user", "content": "How high?"}]
        first = create_response(client, question, tools=TOOLS)
        call = first.output[0]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "3640"}
        items = [*question, call.model_dump(), result]
        second = create_response(client, items, tools=TOOLS, instructions="Be brief.")
    assert second.output_text == "high"


def test_a_part_that_is_not_text_is_rendered_as_its_type() -> None:
    image = {"type": "input_image", "image_url": "data:,", "detail": "auto"}
    items = [{"role": "user", "content": [{"type": "input_text", "text": "look"}, image]}]
    with replay_tape(
        make_tape(reply_line("a", "seen", when=r"^user: look\n\[input_image\]$"))
    ) as replay:
        assert create_response(make_client(replay, "a"), items).output_text == "seen"


def test_a_built_in_tool_is_named_after_its_type() -> None:
    tools = [*TOOLS, {"type": "web_search"}, {"type": "custom", "name": "code"}]
    with replay_tape(
        make_tape(reply_line("a", "seen", when="^tools: altitude, web_search, code$"))
    ) as replay:
        assert create_response(make_client(replay, "a"), tools=tools).output_text == "seen"


def test_a_custom_tool_is_rendered_like_a_function() -> None:
    call = {"type": "custom_tool_call", "call_id": "c", "name": "code", "input": "1 + 1"}
    result = {"type": "custom_tool_call_output", "call_id": "c", "output": "2"}
    pattern = r"^assistant calls code\(1 \+ 1\)\ntool code: 2$"
    with replay_tape(make_tape(reply_line("a", "seen", when=pattern))) as replay:
        assert create_response(make_client(replay, "a"), [call, result]).output_text == "seen"


def test_an_anonymous_client_has_the_same_lane_in_both_apis() -> None:
    with replay_tape(make_tape()) as replay:
        client = make_client(replay)
        with pytest.raises(openai.UnprocessableEntityError):
            create_response(client, instructions="Be brief.")
        with pytest.raises(openai.UnprocessableEntityError):
            client.chat.completions.create(
                model=MODEL, messages=[{"role": "system", "content": "Be brief."}]
            )
    assert len({exchange.lane for exchange in replay.ledger.exchanges}) == 1


def test_a_responses_line_does_not_answer_a_chat() -> None:
    line = reply_line("a", "hello") | {"path": "/v1/responses"}
    with replay_tape(make_tape(line)) as replay:
        client = make_client(replay, "a")
        with pytest.raises(openai.UnprocessableEntityError, match="answers POST /v1/responses"):
            client.chat.completions.create(model=MODEL, messages=[])
        assert create_response(client).output_text == "hello"


def test_a_responses_line_has_the_reply_keys_of_a_chat() -> None:
    with pytest.raises(TapeError, match="the reply is empty"):
        make_tape({"lane": "a", "origin": "scripted", "path": "/v1/responses", "reply": {}})


@pytest.mark.parametrize("streams", [False, True])
def test_a_recorded_response_can_be_requested_in_both_forms(streams: bool) -> None:
    with replay_tape(
        make_tape(reply_line("a", "one", tool_calls=[LA_PAZ], reasoning_content="hm"))
    ) as replay:
        raw = httpx.post(
            f"{replay.base_url}/responses",
            json={"model": MODEL, "input": "go on", "stream": streams},
            headers={"x-agent-name": "a"},
        )
        exchange = only_exchange(replay)
    body = {"frames": raw.text.strip().split("\n\n")} if streams else {"body": raw.json()}
    line: Any = {
        "lane": "a",
        "origin": "recorded",
        "path": "/v1/responses",
        "digest": "sha256:" + 64 * "0",
        "request": exchange.request,
        "response": body,
    }
    with replay_tape(Tape.parse(orjson.dumps(line)), strict=False) as replay:
        complete = create_response(make_client(replay, "a"))
    with replay_tape(Tape.parse(orjson.dumps(line)), strict=False) as replay:
        (*_, last) = stream_response(make_client(replay, "a"))
        again = only_exchange(replay)
    assert complete.output == last.response.output
    assert [item.type for item in complete.output] == ["reasoning", "message", "function_call"]
    assert (again.reply, again.tool_calls) == (exchange.reply, 1)
    assert again.output_tokens == exchange.output_tokens


def test_a_rate_limited_client_retries() -> None:
    fault = rate_limited("a", retry_after_s=0.01)
    with replay_tape(make_tape(reply_line("a", "at last")), [fault]) as replay:
        assert create_response(make_client(replay, "a", max_retries=2)).output_text == "at last"
    assert [exchange.status for exchange in replay.ledger.exchanges] == [429, 200]


@pytest.mark.parametrize("ends_cleanly", [True, False])
def test_a_cut_stream_does_not_complete(ends_cleanly: bool) -> None:
    fault = cuts_stream("a", after_frame=100, ends_cleanly=ends_cleanly)
    with replay_tape(make_tape(reply_line("a", "one two")), [fault]) as replay:
        events = []
        try:
            for event in create_response(make_client(replay, "a"), stream=True):
                events.append(event)
            is_broken = False
        except httpx.RemoteProtocolError:
            is_broken = True
    assert is_broken is not ends_cleanly
    assert events[-1].type == "response.output_item.done"
    assert not only_exchange(replay).delivered


@pytest.mark.parametrize("streams", [False, True])
def test_a_malformed_response_is_not_json(streams: bool) -> None:
    lines, faults = make_tape(reply_line("a", "one two")), [malformed_reply("a")]
    with replay_tape(lines, faults) as replay, pytest.raises(json.JSONDecodeError):
        list(create_response(make_client(replay, "a"), stream=streams))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, 'The body has no "input", which must be a string or a list.'),
        ({"input": 3}, "input must be a string or a list, not a number."),
        ({"input": "", "instructions": []}, "instructions must be a string, not a list."),
    ],
)
def test_an_invalid_request_gets_an_error_message(body: Any, message: str) -> None:
    with replay_tape(make_tape(reply_line("a", "one"))) as replay:
        answer = httpx.post(f"{replay.base_url}/responses", json=body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)


def test_drift_is_reported_message_by_message() -> None:
    def body(*texts: str) -> Any:
        return {"input": [{"role": "user", "content": text} for text in texts], "tools": TOOLS}

    (change,) = compare_requests(body("one", "two"), body("one"))
    assert change.severity == "missing"
    assert change.description.startswith("the recorded message 2 is gone")
    (change,) = compare_requests(body("one"), body("one") | {"tools": []})
    assert change.description == "tool altitude is gone"


def test_an_embeddings_request_is_not_compared_as_a_response() -> None:
    (change,) = compare_requests({"input": "one"}, {"input": "two"})
    assert change.description.startswith("input was")


def test_the_id_of_a_stored_item_does_not_change_the_request() -> None:
    def digest(id: str) -> str:
        line = reply_line("a", "one")
        call = {"type": "function_call", "id": id, "call_id": id, "name": "n", "arguments": "{}"}
        with replay_tape(make_tape(line)) as replay:
            create_response(make_client(replay, "a"), [call])
        return str(only_exchange(replay).request)

    assert digest("fc_1") == digest("fc_2")
