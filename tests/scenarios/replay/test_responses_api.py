"""The replay server answers by OpenAI's Responses API, too, from the same lines of a tape."""

import json
from typing import Any

import httpx
import openai
import orjson
import pytest

from scenarios.replay.faults import cuts_stream, malformed_reply, rate_limited
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.tape.drift import compare_requests
from scenarios.tape.tape import Tape, TapeError
from tests.support.tapes import MODEL, make_async_client, make_client, make_tape, reply_line

TOOLS: Any = [{"type": "function", "name": "altitude", "parameters": {"type": "object"}}]
LA_PAZ = {"name": "altitude", "arguments": {"city": "La Paz"}}


def create_response(of: openai.OpenAI, said: Any = "go on", **more: Any) -> Any:
    return of.responses.create(model=MODEL, input=said, **more)


def stream_response(of: openai.OpenAI, said: Any = "go on", **more: Any) -> list[Any]:
    return list(create_response(of, said, stream=True, **more))


def only_exchange(replay: ReplayServer) -> Exchange:
    (only,) = replay.ledger.exchanges
    return only


def test_a_plain_response_is_what_the_client_expects() -> None:
    with replay_tape(make_tape(reply_line("a", "Good day."))) as replay:
        got = create_response(make_client(replay, "a"), "Hello!")
    assert (got.output_text, got.status, got.model) == ("Good day.", "completed", MODEL)
    assert (got.usage.input_tokens, got.usage.output_tokens) == (4, 3)


def test_an_exchange_is_written_down_as_a_chat_is() -> None:
    with replay_tape(make_tape(reply_line("a", None, tool_calls=[LA_PAZ]))) as replay:
        create_response(make_client(replay, "a"), "Hello!", tools=TOOLS)
    page = only_exchange(replay)
    assert page.path == "/v1/responses"
    assert page.request == {"input": "Hello!", "tools": TOOLS}
    assert page.reply is not None
    assert page.reply["tool_calls"][0]["name"] == "altitude"
    assert (page.tool_calls, page.delivered, page.line) == (1, True, 1)
    assert page.input_tokens
    assert page.output_tokens


def test_a_stream_has_the_events_of_a_message() -> None:
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


def test_a_streamed_tool_call_comes_in_pieces() -> None:
    with replay_tape(make_tape(reply_line("a", None, tool_calls=[LA_PAZ, LA_PAZ]))) as replay:
        events = stream_response(make_client(replay, "a"), tools=TOOLS)
    pieces = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
    assert "".join(pieces) == 2 * '{"city":"La Paz"}'
    (*_, last) = events
    assert [item.call_id for item in last.response.output] == ["call_a_1", "call_a_2"]


def test_the_clients_own_reading_of_a_stream_is_whole() -> None:
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


async def test_a_response_that_met_its_limit_is_incomplete() -> None:
    with replay_tape(make_tape(reply_line("a", "one two", finish_reason="length"))) as replay:
        async with make_async_client(replay, "a") as of:
            got = await of.responses.create(model=MODEL, input="count")
    assert got.status == "incomplete"
    assert got.incomplete_details is not None
    assert got.incomplete_details.reason == "max_output_tokens"


def test_a_condition_reads_the_conversation_as_a_chat() -> None:
    read = (
        r"tools: altitude\nsystem: Be brief\.\nuser: How high\?\n"
        r'assistant calls altitude\({"city":"La Paz"}\)\ntool altitude: 3640'
    )
    lines = [
        reply_line("a", "high", when=read),
        reply_line("a", None, when="high", tool_calls=[LA_PAZ]),
    ]
    with replay_tape(make_tape(*lines)) as replay:
        of = make_client(replay, "a")
        question: list[Any] = [{"role": "user", "content": "How high?"}]
        first = create_response(of, question, tools=TOOLS)
        call = first.output[0]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "3640"}
        said = [*question, call.model_dump(), result]
        second = create_response(of, said, tools=TOOLS, instructions="Be brief.")
    assert second.output_text == "high"


def test_a_part_that_is_no_text_shows_its_type() -> None:
    image = {"type": "input_image", "image_url": "data:,", "detail": "auto"}
    said = [{"role": "user", "content": [{"type": "input_text", "text": "look"}, image]}]
    with replay_tape(
        make_tape(reply_line("a", "seen", when=r"^user: look\n\[input_image\]$"))
    ) as replay:
        assert create_response(make_client(replay, "a"), said).output_text == "seen"


def test_a_tool_of_the_endpoints_own_is_named_by_its_type() -> None:
    tools = [*TOOLS, {"type": "web_search"}, {"type": "custom", "name": "code"}]
    with replay_tape(
        make_tape(reply_line("a", "seen", when="^tools: altitude, web_search, code$"))
    ) as replay:
        assert create_response(make_client(replay, "a"), tools=tools).output_text == "seen"


def test_a_custom_tool_reads_as_a_function_does() -> None:
    call = {"type": "custom_tool_call", "call_id": "c", "name": "code", "input": "1 + 1"}
    result = {"type": "custom_tool_call_output", "call_id": "c", "output": "2"}
    read = r"^assistant calls code\(1 \+ 1\)\ntool code: 2$"
    with replay_tape(make_tape(reply_line("a", "seen", when=read))) as replay:
        assert create_response(make_client(replay, "a"), [call, result]).output_text == "seen"


def test_who_names_no_lane_has_that_of_the_same_chat() -> None:
    with replay_tape(make_tape()) as replay:
        of = make_client(replay)
        with pytest.raises(openai.UnprocessableEntityError):
            create_response(of, instructions="Be brief.")
        with pytest.raises(openai.UnprocessableEntityError):
            of.chat.completions.create(
                model=MODEL, messages=[{"role": "system", "content": "Be brief."}]
            )
    assert len({page.lane for page in replay.ledger.exchanges}) == 1


def test_a_line_of_responses_answers_no_chat() -> None:
    line = reply_line("a", "hello") | {"path": "/v1/responses"}
    with replay_tape(make_tape(line)) as replay:
        of = make_client(replay, "a")
        with pytest.raises(openai.UnprocessableEntityError, match="answers POST /v1/responses"):
            of.chat.completions.create(model=MODEL, messages=[])
        assert create_response(of).output_text == "hello"


def test_a_line_of_responses_is_worded_as_a_chats() -> None:
    with pytest.raises(TapeError, match="the reply says nothing"):
        make_tape({"lane": "a", "origin": "scripted", "path": "/v1/responses", "reply": {}})


@pytest.mark.parametrize("streams", [False, True])
def test_a_recorded_response_is_played_in_either_form(streams: bool) -> None:
    with replay_tape(
        make_tape(reply_line("a", "one", tool_calls=[LA_PAZ], reasoning_content="hm"))
    ) as replay:
        raw = httpx.post(
            f"{replay.base_url}/responses",
            json={"model": MODEL, "input": "go on", "stream": streams},
            headers={"x-agent-name": "a"},
        )
        page = only_exchange(replay)
    body = {"frames": raw.text.strip().split("\n\n")} if streams else {"body": raw.json()}
    line: Any = {
        "lane": "a",
        "origin": "recorded",
        "path": "/v1/responses",
        "digest": "sha256:" + 64 * "0",
        "request": page.request,
        "response": body,
    }
    with replay_tape(Tape.parse(orjson.dumps(line)), strict=False) as replay:
        whole = create_response(make_client(replay, "a"))
    with replay_tape(Tape.parse(orjson.dumps(line)), strict=False) as replay:
        (*_, last) = stream_response(make_client(replay, "a"))
        again = only_exchange(replay)
    assert whole.output == last.response.output
    assert [item.type for item in whole.output] == ["reasoning", "message", "function_call"]
    assert (again.reply, again.tool_calls) == (page.reply, 1)
    assert again.output_tokens == page.output_tokens


def test_a_limited_client_comes_again() -> None:
    fault = rate_limited("a", retry_after_s=0.01)
    with replay_tape(make_tape(reply_line("a", "at last")), [fault]) as replay:
        assert create_response(make_client(replay, "a", max_retries=2)).output_text == "at last"
    assert [page.status for page in replay.ledger.exchanges] == [429, 200]


@pytest.mark.parametrize("clean", [True, False])
def test_a_stream_that_is_cut_never_completes(clean: bool) -> None:
    fault = cuts_stream("a", after_frame=100, ends_cleanly=clean)
    with replay_tape(make_tape(reply_line("a", "one two")), [fault]) as replay:
        events = []
        try:
            for event in create_response(make_client(replay, "a"), stream=True):
                events.append(event)
            broke = False
        except httpx.RemoteProtocolError:
            broke = True
    assert broke is not clean
    assert events[-1].type == "response.output_item.done"
    assert not only_exchange(replay).delivered


@pytest.mark.parametrize("streams", [False, True])
def test_a_malformed_response_is_no_json(streams: bool) -> None:
    lines, faults = make_tape(reply_line("a", "one two")), [malformed_reply("a")]
    with replay_tape(lines, faults) as replay, pytest.raises(json.JSONDecodeError):
        list(create_response(make_client(replay, "a"), stream=streams))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, 'The body has no "input", which is a string or a list.'),
        ({"input": 3}, "input is a string or a list, this is a number."),
        ({"input": "", "instructions": []}, "instructions is a string, this is a list."),
    ],
)
def test_a_malformed_request_is_refused_with_a_sentence(body: Any, said: str) -> None:
    with replay_tape(make_tape(reply_line("a", "one"))) as replay:
        answer = httpx.post(f"{replay.base_url}/responses", json=body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, said)


def test_drift_is_told_message_by_message() -> None:
    def body(*texts: str) -> Any:
        return {"input": [{"role": "user", "content": text} for text in texts], "tools": TOOLS}

    (change,) = compare_requests(body("one", "two"), body("one"))
    assert change.severity == "missing"
    assert change.description.startswith("the recorded message 2 is gone")
    (change,) = compare_requests(body("one"), body("one") | {"tools": []})
    assert change.description == "tool altitude is gone"


def test_an_embedding_asks_for_no_response() -> None:
    (change,) = compare_requests({"input": "one"}, {"input": "two"})
    assert change.description.startswith("input was")


def test_what_an_item_was_stored_under_is_no_part_of_the_question() -> None:
    def digest(id: str) -> str:
        line = reply_line("a", "one")
        call = {"type": "function_call", "id": id, "call_id": id, "name": "n", "arguments": "{}"}
        with replay_tape(make_tape(line)) as replay:
            create_response(make_client(replay, "a"), [call])
        return str(only_exchange(replay).request)

    assert digest("fc_1") == digest("fc_2")
