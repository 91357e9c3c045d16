"""A recorded answer that is requested in its other form, body or stream, loses nothing."""

from pathlib import Path
from typing import Any

import httpx
import openai
import orjson
import pytest

from scenarios.recording.recording_proxy import record_tape
from scenarios.replay.openai_api.stream_assembly import assemble_stream
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.tape.requests.request import canonicalize, compute_digest
from scenarios.tape.tape import Tape
from tests.support.raw_http import chat_body
from tests.support.tapes import MODEL, make_client, make_tape, recorded_line, user_message

REQUEST_BODY: Any = {"messages": user_message("go on")}
LOGPROB = {"token": "one", "logprob": -0.1, "bytes": [111, 110, 101], "top_logprobs": []}
CITATION = {"start_index": 0, "end_index": 3, "title": "One", "url": "https://one.example"}
MESSAGE = {"role": "assistant", "content": "one two", "refusal": None}
CALLS: Any = [
    {"id": f"call_{n}", "type": "function", "function": {"name": "find", "arguments": arguments}}
    for n, arguments in enumerate(('{"city": "La Paz"}', '{"city": "Quito, Ecuador"}'))
]
CHOICES: Any = [
    {
        "index": 0,
        "message": MESSAGE
        | {
            "reasoning_content": "First count.",
            "annotations": [{"type": "url_citation", "url_citation": CITATION}],
        },
        "logprobs": {"content": [LOGPROB, LOGPROB | {"token": " two"}], "refusal": None},
        "finish_reason": "stop",
        "content_filter_results": {"hate": {"filtered": False}},
    },
    {
        "index": 1,
        "message": MESSAGE | {"content": None, "tool_calls": CALLS},
        "logprobs": None,
        "finish_reason": "tool_calls",
    },
    {
        "index": 2,
        "message": MESSAGE
        | {"content": None, "function_call": {"name": "find", "arguments": '{"city": "Sucre"}'}},
        "logprobs": None,
        "finish_reason": "function_call",
    },
]
COMPLETION: Any = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 7,
    "model": "m",
    "system_fingerprint": "fp",
    "service_tier": "default",
    "choices": CHOICES,
    "usage": {
        "prompt_tokens": 10,
        "completion_tokens": 6,
        "total_tokens": 16,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 4},
    },
}


def completion_line() -> dict[str, Any]:
    return recorded_line(REQUEST_BODY, response={"status": 200, "body": COMPLETION})


def without_nulls(value: Any) -> Any:
    """Return a JSON value without its nulls: a stream does not send them."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def stream_frames(replay: ReplayServer, **fields: Any) -> list[str]:
    options = {"stream": True, "stream_options": {"include_usage": True}} | fields
    response = httpx.post(
        f"{replay.base_url}/chat/completions",
        content=chat_body(**options),
        headers={"x-agent-name": "a"},
    )
    assert response.headers["content-type"].startswith("text/event-stream")
    return [frame for frame in response.text.split("\n\n") if frame]


def test_a_recorded_body_is_streamed_with_everything_that_it_has() -> None:
    with replay_tape(make_tape(completion_line())) as replay:
        frames = stream_frames(replay)
    assert len(frames) > 12
    assert frames[-1] == "data: [DONE]"
    assert without_nulls(assemble_stream(frames)) == without_nulls(COMPLETION)
    (exchange,) = replay.ledger.exchanges
    assert (exchange.input_tokens, exchange.output_tokens) == (10, 6)


def test_the_openai_client_assembles_a_streamed_body() -> None:
    with replay_tape(make_tape(completion_line())) as replay:
        create = make_client(replay, "a").chat.completions.stream
        options: Any = {"stream_options": {"include_usage": True}}
        with create(model=MODEL, messages=REQUEST_BODY["messages"], **options) as stream:
            got: Any = stream.get_final_completion()
    first, second, third = got.choices
    assert first.message.content == "one two"
    assert first.message.reasoning_content == "First count."
    assert first.message.annotations[0].url_citation.title == "One"
    assert [one.token for one in first.logprobs.content] == ["one", " two"]
    assert [call.function.arguments for call in second.message.tool_calls] == [
        call["function"]["arguments"] for call in CALLS
    ]
    assert third.message.function_call.arguments == '{"city": "Sucre"}'
    assert got.usage.prompt_tokens_details.cached_tokens == 8
    assert got.usage.completion_tokens_details.reasoning_tokens == 4


def test_a_recorded_stream_is_sent_as_a_body_with_everything_that_it_had(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    with (
        replay_tape(make_tape(completion_line())) as live,
        record_tape(live.base_url, path) as proxy,
    ):
        httpx.post(
            f"{proxy.base_url}/chat/completions",
            content=chat_body(stream=True, stream_options={"include_usage": True}),
            headers={"x-agent-name": "a"},
        )
    with replay_tape(Tape.load(path)) as replay:
        got = make_client(replay, "a").chat.completions.create(model=MODEL, **REQUEST_BODY)
    assert without_nulls(got.to_dict()) == without_nulls(COMPLETION)


def stream_without_usage() -> dict[str, Any]:
    chunk = {"id": "c", "choices": [{"index": 0, "delta": {"content": "one"}}]}
    frames = [f"data: {orjson.dumps(chunk).decode()}"]
    return recorded_line(REQUEST_BODY, response={"status": 200, "frames": frames})


def test_usage_that_was_not_recorded_is_not_invented() -> None:
    with replay_tape(make_tape(stream_without_usage())) as replay:
        got = make_client(replay, "a").chat.completions.create(model=MODEL, **REQUEST_BODY)
    assert got.choices[0].message.content == "one"
    assert got.usage is None


@pytest.mark.parametrize(
    ("fields", "description"),
    [
        ({"stream": True}, None),
        ({"stream": True, "stream_options": {"include_usage": False}}, None),
        ({"stream": True, "stream_options": {"include_usage": True}}, "include_usage is requested"),
        ({}, "no stream is requested"),
    ],
)
def test_usage_that_is_requested_and_was_not_recorded_is_drift(
    fields: dict[str, Any], description: str | None
) -> None:
    with replay_tape(make_tape(stream_without_usage())) as replay:
        httpx.post(
            f"{replay.base_url}/chat/completions",
            content=chat_body(**fields),
            headers={"x-agent-name": "a"},
        )
        reports = [str(drift) for drift in replay.drift]
    if description is None:
        assert reports == []
    else:
        (report,) = reports
        assert f"(missing): {description}, and the recorded stream has no usage" in report


@pytest.mark.parametrize(
    "parts",
    [
        [{"index": 0} | CALLS[0], {"index": 0} | CALLS[1]],
        [CALLS[0], CALLS[1]],
        [{"index": 1} | CALLS[1], {"index": 0} | CALLS[0]],
    ],
    ids=["same index", "no index", "reversed"],
)
def test_parallel_tool_calls_of_other_makers_are_kept_apart(parts: Any) -> None:
    chunks = [{"choices": [{"index": 0, "delta": {"tool_calls": [part]}}]} for part in parts]
    body = assemble_stream(f"data: {orjson.dumps(chunk).decode()}" for chunk in chunks)
    assert body["choices"][0]["message"]["tool_calls"] == CALLS


def test_a_body_that_is_no_completion_is_not_sent_in_place_of_a_stream() -> None:
    line = recorded_line(REQUEST_BODY, response={"status": 200, "body": {"choices": None}})
    with (
        replay_tape(make_tape(line)) as replay,
        pytest.raises(openai.UnprocessableEntityError, match="a stream is requested"),
    ):
        make_client(replay, "a").chat.completions.create(model=MODEL, stream=True, **REQUEST_BODY)


RESPONSE_ITEMS: Any = [
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "abc"},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [
            {
                "type": "output_text",
                "text": "one two",
                "annotations": [{"type": "url_citation"} | CITATION],
                "logprobs": [LOGPROB],
            }
        ],
    },
]
RESPONSE: Any = {
    "id": "resp_1",
    "object": "response",
    "created_at": 7,
    "status": "completed",
    "model": "m",
    "output": RESPONSE_ITEMS,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [{"type": "web_search"}],
    "service_tier": "flex",
    "usage": {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 8},
        "output_tokens": 6,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 16,
    },
}


def response_line(**response: Any) -> dict[str, Any]:
    request = canonicalize({"input": "go on"})
    recorded = {"digest": compute_digest(request), "request": request}
    line = {"lane": "a", "origin": "recorded", "path": "/v1/responses"}
    return line | recorded | {"response": {"status": 200} | response}


def test_a_recorded_response_is_streamed_with_everything_that_it_has() -> None:
    with replay_tape(make_tape(response_line(body=RESPONSE))) as replay:
        with make_client(replay, "a").responses.stream(model=MODEL, input="go on") as stream:
            events = [event.type for event in stream]
            got = stream.get_final_response()
        assert "response.output_text.annotation.added" in events
        assert events.count("response.output_item.done") == 3
    assert without_nulls(got.to_dict()) | {"output": ""} == RESPONSE | {"output": ""}
    assert [item.to_dict()["id"] for item in got.output] == ["ws_1", "rs_1", "msg_1"]
    text: Any = got.output[2]
    assert text.content[0].annotations[0].title == "One"
    assert text.content[0].logprobs[0].token == "one"


def test_a_recorded_response_stream_is_sent_as_a_body_with_everything_that_it_had() -> None:
    with replay_tape(make_tape(response_line(body=RESPONSE))) as live:
        request = {"input": "go on", "stream": True}
        url, headers = f"{live.base_url}/responses", {"x-agent-name": "a"}
        streamed = httpx.post(url, json=request, headers=headers).text
    frames = [frame for frame in streamed.split("\n\n") if frame]
    with replay_tape(make_tape(response_line(frames=frames))) as replay:
        url = f"{replay.base_url}/responses"
        assert httpx.post(url, json={"input": "go on"}, headers=headers).json() == RESPONSE
