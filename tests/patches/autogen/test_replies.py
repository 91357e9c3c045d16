"""A completion of an AutoGen client is recorded as the endpoint sent it, with all its tokens."""

import json
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import CreateResult, UserMessage
from autogen_ext.models.openai import OpenAIChatCompletionClient
from pydantic import BaseModel, ValidationError

from instrumentation.trace.span import Span
from instrumentation.tracing import RunHandle, enable_tracing
from tests.support.autogen_agents import API_KEY, load_trace
from tests.support.openai_clients import PRICED_MODEL, client_of_endpoint
from workflows.support.clients.autogen import MODEL_INFO

MESSAGES = [UserMessage(content="go on", source="user")]
USAGE = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
DONE = "data: [DONE]\n\n"


class Grade(BaseModel):
    answer: str
    score: int


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("autogen",)):
        yield


@contextmanager
def autogen_client(
    body: str, *, is_stream: bool = False, client_class: Any = OpenAIChatCompletionClient
) -> Generator[tuple[Any, RunHandle]]:
    """Yield an AutoGen client whose requests all get this reply, and a recording."""
    content_type = "text/event-stream" if is_stream else "application/json"
    with client_of_endpoint(content_type, body) as (endpoint, run):
        yield (
            client_class(
                model=PRICED_MODEL,
                base_url=str(endpoint.base_url),
                api_key=API_KEY,
                model_info=MODEL_INFO | {"structured_output": True},
                max_retries=0,
            ),
            run,
        )


def completion(content: str, **fields: Any) -> str:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": PRICED_MODEL}
    return json.dumps(body | {"choices": [choice]} | fields)


def chunk(content: str | None, finish_reason: str | None = None, **fields: Any) -> str:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish_reason}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": PRICED_MODEL}
    return f"data: {json.dumps(body | {'choices': [choice]} | fields)}\n\n"


async def record_stream(*frames: str) -> Span:
    with autogen_client("".join(frames), is_stream=True) as (model_client, run):
        async for _ in model_client.create_stream(MESSAGES):
            pass
    return load_trace(run).root


@pytest.mark.parametrize("is_stream", [False, True])
async def test_cached_tokens_are_recorded_and_priced(is_stream: bool) -> None:
    usage = {
        "prompt_tokens": 10_500,
        "completion_tokens": 20,
        "total_tokens": 10_520,
        "prompt_tokens_details": {"cached_tokens": 10_000},
    }
    if is_stream:
        span = await record_stream(chunk("one", "stop"), chunk(None, usage=usage), DONE)
    else:
        with autogen_client(completion("one", usage=usage)) as (model_client, run):
            await model_client.create(MESSAGES)
        span = load_trace(run).root
    assert span.attributes["mlflow.chat.tokenUsage"]["cache_read_input_tokens"] == 10_000
    assert span.cost_usd == pytest.approx((500 * 0.15 + 10_000 * 0.075 + 20 * 0.6) / 1e6)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_usage_that_the_endpoint_does_not_report_is_not_recorded(is_stream: bool) -> None:
    if is_stream:
        span = await record_stream(chunk("one"), chunk(None, "stop"), DONE)
    else:
        with autogen_client(completion("one")) as (model_client, run):
            await model_client.create(MESSAGES)
        span = load_trace(run).root
    assert span.status == "OK"
    assert "mlflow.chat.tokenUsage" not in span.attributes
    assert "gen_ai.usage.input_tokens" not in span.attributes


@pytest.mark.filterwarnings("ignore:No text content or tool calls:UserWarning")
@pytest.mark.parametrize(
    "frames",
    [
        (chunk("one "), chunk("two"), DONE),
        (chunk(""), chunk(""), chunk(None, "stop"), DONE),
        (chunk("one "), chunk("two", "stop")),
    ],
)
async def test_a_stream_with_an_end_or_a_finish_reason_is_complete(frames: tuple[str]) -> None:
    span = await record_stream(*frames)
    assert (span.status, span.children) == ("OK", ())


async def test_a_stream_with_neither_is_an_error_with_the_text_so_far() -> None:
    span = await record_stream(chunk("one "), chunk("two"))
    assert "without a finish reason" in span.status_message
    assert "one two" in str(span.outputs)


async def test_a_reply_that_does_not_fit_the_schema_is_recorded_with_its_tokens() -> None:
    reply = completion('{"answer":"x"}', usage=USAGE)
    with autogen_client(reply) as (model_client, run):
        grader = AssistantAgent("a", model_client, output_content_type=Grade)
        with pytest.raises(ValidationError):
            await grader.run(task="go on")
    (span,) = load_trace(run).spans_of_type("LLM")
    assert span.status == "ERROR"
    assert span.status_message.startswith("ValidationError")
    assert span.outputs["choices"][0]["message"]["content"] == '{"answer":"x"}'
    assert (span.tokens.input, span.tokens.output) == (11, 5)


@pytest.mark.filterwarnings("ignore:No text content or tool calls:UserWarning")
@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_refusal_is_recorded(is_stream: bool) -> None:
    """AutoGen makes an empty text of it."""
    if is_stream:
        delta = {"index": 0, "delta": {"refusal": "I will not"}, "finish_reason": "stop"}
        span = await record_stream(chunk(None, choices=[delta]), DONE)
    else:
        message = {"role": "assistant", "content": None, "refusal": "I will not"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        with autogen_client(completion("", choices=[choice])) as (model_client, run):
            assert (await model_client.create(MESSAGES)).content == ""
        span = load_trace(run).root
    assert span.outputs["choices"][0]["message"]["refusal"] == "I will not"


async def test_log_probabilities_and_citations_are_recorded() -> None:
    logprobs = {"content": [{"token": "one", "logprob": -0.1, "bytes": None, "top_logprobs": []}]}
    citations = [{"type": "url_citation", "url_citation": {"url": "http://127.0.0.1/"}}]
    visible = {"role": "assistant", "content": "one", "annotations": citations}
    message = visible | {"reasoning_content": "hm"}
    choice = {"index": 0, "finish_reason": "stop", "logprobs": logprobs, "message": message}
    with autogen_client(completion("", choices=[choice])) as (model_client, run):
        await model_client.create(MESSAGES)
    (recorded,) = load_trace(run).root.outputs["choices"]
    assert recorded["logprobs"] == logprobs
    assert recorded["message"] == visible | {"reasoning": "hm"}


@pytest.mark.parametrize("fields", [{"choices": None}, {"choices": []}, {"error": "no credit"}])
async def test_a_reply_that_is_no_completion_is_quoted_beside_the_clients_error(
    fields: Any,
) -> None:
    with (
        autogen_client(json.dumps(fields)) as (model_client, run),
        pytest.raises((TypeError, IndexError)) as raised,
    ):
        await model_client.create(MESSAGES)
    (trace,) = run.traces()
    (span,) = trace.data.spans
    assert raised.type.__name__ in span.status.description
    messages = [event.attributes["exception.message"] for event in span.events]
    quote = fields.get("error") or json.dumps(fields)
    assert any(quote in message for message in messages)


@pytest.mark.filterwarnings("ignore:No text content or tool calls:UserWarning")
async def test_a_reply_in_the_place_of_a_stream_is_an_error() -> None:
    """AutoGen makes an empty text of it."""
    with autogen_client(completion("one", usage=USAGE)) as (model_client, run):
        items = [item async for item in model_client.create_stream(MESSAGES)]
    assert [item.content for item in items] == [""]
    span = load_trace(run).root
    assert (span.status, span.tokens.total) == ("ERROR", 16)
    assert "the reply is no stream, as requested" in span.status_message


class AskingTwice(OpenAIChatCompletionClient):
    async def create(self, *args: Any, **kwargs: Any) -> CreateResult:
        await super().create(*args, **kwargs)
        return await super().create(*args, **kwargs)

    async def create_stream(
        self, *args: Any, **kwargs: Any
    ) -> AsyncGenerator[str | CreateResult, None]:
        async for _ in super().create_stream(*args, **kwargs):
            pass
        async for item in super().create_stream(*args, **kwargs):
            yield item


async def test_both_completions_of_a_client_that_asks_twice_are_recorded() -> None:
    reply = completion("one", usage=USAGE)
    with autogen_client(reply, client_class=AskingTwice) as (model_client, run):
        await model_client.create(MESSAGES)
    trace = load_trace(run)
    assert (trace.root.type, trace.root.status) == ("CHAIN", "OK")
    completions = trace.spans_of_type("LLM")
    assert [(one.tokens.input, one.tokens.output) for one in completions] == [(11, 5), (11, 5)]
    assert all("one" in str(one.outputs) for one in completions)
    assert completions[0].end_ns <= completions[1].start_ns


async def test_both_streams_of_a_client_that_asks_twice_are_recorded() -> None:
    frames = chunk("one", "stop") + chunk(None, usage=USAGE) + DONE
    with autogen_client(frames, is_stream=True, client_class=AskingTwice) as (model_client, run):
        async for _ in model_client.create_stream(MESSAGES):
            pass
    completions = load_trace(run).spans_of_type("LLM")
    assert [one.tokens.total for one in completions] == [16, 16]


class Retrying(OpenAIChatCompletionClient):
    async def create(self, *args: Any, **kwargs: Any) -> CreateResult:
        try:
            return await super().create(*args, **kwargs)
        except ValidationError:
            return await super().create(*args, **kwargs | {"json_output": None})


async def test_a_reply_that_a_client_asks_again_for_is_recorded_with_its_error() -> None:
    reply = completion('{"answer":"x"}', usage=USAGE)
    with autogen_client(reply, client_class=Retrying) as (model_client, run):
        await model_client.create(MESSAGES, json_output=Grade)
    completions = load_trace(run).spans_of_type("LLM")
    assert [one.status for one in completions] == ["ERROR", "OK"]
    assert [one.tokens.total for one in completions] == [16, 16]


async def test_a_choice_that_failed_is_an_error() -> None:
    """AutoGen returns its text as if it were an answer."""
    message = {"role": "assistant", "content": "half an"}
    failed = {"index": 0, "message": message, "finish_reason": "error", "error": {"message": "502"}}
    with autogen_client(completion("", choices=[failed], usage=USAGE)) as (model_client, run):
        assert (await model_client.create(MESSAGES)).content == "half an"
    span = load_trace(run).root
    assert (span.status, span.tokens.total) == ("ERROR", 16)
    assert "502" in span.status_message
