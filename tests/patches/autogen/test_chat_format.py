"""With the chat format patch, AutoGen's LLM spans contain OpenAI chat completions."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import mlflow.autogen
import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import MultiModalMessage
from autogen_core import CancellationToken, FunctionCall, Image
from autogen_core.models import (
    AssistantMessage,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    SystemMessage,
    UserMessage,
)
from autogen_core.tools import FunctionTool
from autogen_ext.models.openai import OpenAIChatCompletionClient
from autogen_ext.models.replay import ReplayChatCompletionClient
from PIL import Image as Picture
from pydantic import BaseModel

from patches.autogen.chat_format import PATCH
from patches.patch import apply_patches
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.new_store import new_store
from tests.support.upstream_autolog import newest_trace, upstream_autolog

KEY = "sk-never-in-a-trace"
QUESTION = UserMessage(content="Which city?", source="asker")
CALL = FunctionCall(id="call_1", name="population", arguments='{"city": "Quito"}')
RECORDED_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "population", "arguments": '{"city": "Quito"}'},
}

Complete = Callable[..., Any]
Replies = Sequence[dict[str, Any]]


class City(BaseModel):
    name: str


async def population(city: str) -> str:
    """Return how many people live in a city."""
    return f"{city}: 2.8 million"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chat_format")


@pytest.fixture
def complete(folder: Path) -> Complete:
    """Return a function that requests one completion and returns its LLM span."""

    def complete(
        messages: Sequence[LLMMessage], reply: dict[str, Any] | None = None, **options: Any
    ) -> Any:
        async def work(client: OpenAIChatCompletionClient) -> None:
            await client.create(messages, **options)

        spans, _ = record_run_of(folder, [reply or {"content": "Quito."}], work)
        return spans[-1]

    return complete


def record_run_of(
    folder: Path, replies: Replies, work: Callable[..., Any]
) -> tuple[list[Any], tuple[Exchange, ...]]:
    """Call `work` with a client that gets `replies`; return the spans and the served requests."""
    tape, store = folder / "tape.jsonl", new_store(folder)
    lines = [{"lane": "clerk", "origin": "scripted", "reply": reply} for reply in replies]
    tape.write_text("\n".join(map(json.dumps, lines)))
    with replay_tape(Tape.load(tape)) as replay, upstream_autolog("autogen", store, PATCH):
        client = OpenAIChatCompletionClient(
            model="gpt-4o-mini",
            base_url=replay.base_url,
            api_key=KEY,
            default_headers={"x-agent-name": "clerk"},
        )
        asyncio.run(work(client))
    spans = sorted(newest_trace(store).data.spans, key=lambda span: span.start_time_ns)
    return spans, replay.ledger.exchanges


def agent(client: OpenAIChatCompletionClient) -> AssistantAgent:
    return AssistantAgent("clerk", client, tools=[population], reflect_on_tool_use=True)


def as_sent(message: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a message that are both sent and recorded."""
    keys = ("role", "content", "tool_calls", "tool_call_id")
    return {key: message[key] for key in keys if message.get(key) is not None}


def is_png(part: dict[str, Any]) -> bool:
    """Return whether this is a content part with a PNG, which MLflow stores as an attachment."""
    url = urlsplit(part["image_url"]["url"])
    content_type = parse_qs(url.query)["content_type"]
    return (part["type"], url.scheme, content_type) == (
        "image_url",
        "mlflow-attachment",
        ["image/png"],
    )


def test_system_and_user_messages(complete: Complete) -> None:
    span = complete([SystemMessage(content="Be brief."), QUESTION])
    assert span.inputs["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "asker", "content": "Which city?"},
    ]


def test_an_image_is_a_content_part(complete: Complete) -> None:
    picture = Image(Picture.new("RGB", (2, 2), "teal"))
    span = complete([UserMessage(content=["Which city?", picture], source="asker")])
    text, image = span.inputs["messages"][0]["content"]
    assert text == {"type": "text", "text": "Which city?"}
    assert is_png(image)


def test_a_thought_beside_text_is_reasoning(complete: Complete) -> None:
    reply = AssistantMessage(content="Quito.", thought="It is high up.", source="clerk")
    span = complete([QUESTION, reply, QUESTION])
    assert span.inputs["messages"][1] == {
        "role": "assistant",
        "content": "Quito.",
        "reasoning": "It is high up.",
    }


def test_a_thought_beside_tool_calls_is_content(complete: Complete) -> None:
    results = FunctionExecutionResultMessage(
        content=[
            FunctionExecutionResult(content="2.8 million", name="population", call_id="call_1")
        ]
    )
    span = complete(
        [QUESTION, AssistantMessage(content=[CALL], thought="I look.", source="clerk"), results]
    )
    assert span.inputs["messages"][1] == {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [RECORDED_CALL],
    }


def test_each_tool_result_is_a_message_with_the_id_of_its_call(complete: Complete) -> None:
    calls = [CALL, FunctionCall(id="call_2", name="population", arguments="{}")]
    results = FunctionExecutionResultMessage(
        content=[
            FunctionExecutionResult(content="2.8 million", name="population", call_id="call_1"),
            FunctionExecutionResult(
                content="no city", name="population", call_id="call_2", is_error=True
            ),
        ]
    )
    span = complete([QUESTION, AssistantMessage(content=calls, source="clerk"), results])
    result = {"role": "tool", "name": "population"}
    assert span.inputs["messages"][2:] == [
        result | {"tool_call_id": "call_1", "content": "2.8 million"},
        result | {"tool_call_id": "call_2", "content": "no city", "is_error": True},
    ]


def test_the_recorded_prompt_is_the_one_that_was_sent(folder: Path) -> None:
    """No part of the prompt is missing or changed."""

    async def work(client: OpenAIChatCompletionClient) -> None:
        await agent(client).run(task="How many?")

    calls = [{"id": "call_1", "name": "population", "arguments": {"city": "Quito"}}]
    replies: Replies = [{"content": "I look.", "tool_calls": calls}, {"content": "2.8 million."}]
    spans, exchanges = record_run_of(folder, replies, work)
    recorded = [span.inputs["messages"] for span in spans if span.span_type == "LLM"]
    sent = [exchange.request["messages"] for exchange in exchanges]
    assert [list(map(as_sent, prompt)) for prompt in recorded] == [
        list(map(as_sent, prompt)) for prompt in sent
    ]


def test_a_reply_is_a_choice_with_token_usage(complete: Complete) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    span = complete([QUESTION], {"content": "Quito.", "usage": usage})
    message = {"role": "assistant", "content": "Quito."}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    assert span.outputs == {"choices": [choice], "usage": usage}


def test_missing_token_counts_are_not_recorded(complete: Complete) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 0}
    assert "usage" not in complete([QUESTION], {"content": "Quito.", "usage": usage}).outputs


def test_a_reply_with_a_tool_call_is_recorded(complete: Complete) -> None:
    calls = [{"id": "call_1", "name": "population", "arguments": '{"city": "Quito"}'}]
    span = complete([QUESTION], {"content": "I look.", "tool_calls": calls})
    (choice,) = span.outputs["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [RECORDED_CALL],
    }


def test_reasoning_is_recorded_beside_the_answer(complete: Complete) -> None:
    span = complete([QUESTION], {"content": "Quito.", "reasoning_content": "It is high up."})
    assert span.outputs["choices"][0]["message"]["reasoning"] == "It is high up."


def test_structured_output_is_recorded_with_its_schema(complete: Complete) -> None:
    span = complete([QUESTION], {"content": {"name": "Quito"}}, json_output=City)
    assert span.inputs["json_output"] == City.model_json_schema()
    assert json.loads(span.outputs["choices"][0]["message"]["content"]) == {"name": "Quito"}


def test_the_span_declares_its_format(complete: Complete) -> None:
    assert complete([QUESTION]).get_attribute("mlflow.message.format") == "openai"


def test_tokens_are_still_counted(complete: Complete) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    span = complete([QUESTION], {"content": "Quito.", "usage": usage})
    assert span.get_attribute("mlflow.chat.tokenUsage") == {
        "input_tokens": 7,
        "output_tokens": 2,
        "total_tokens": 9,
    }


def test_tools_are_recorded_for_the_ui_and_in_the_inputs(complete: Complete) -> None:
    tool = FunctionTool(population, "How many people live in a city.")
    span = complete([QUESTION], tools=[tool])
    (recorded,) = span.get_attribute("mlflow.chat.tools")
    assert recorded["function"]["name"] == "population"
    assert span.inputs["tools"] == [tool.schema]


def test_empty_arguments_are_omitted(complete: Complete) -> None:
    span = complete([QUESTION], cancellation_token=CancellationToken(), json_output=None)
    assert set(span.inputs) == {"messages"}


def test_headers_with_a_key_are_not_record_run_of(folder: Path) -> None:
    store = new_store(folder)
    headers = {"authorization": f"Bearer {KEY}"}
    with upstream_autolog("autogen", store, PATCH):
        # OpenAI's client rejects headers here; other clients accept them.
        client = ReplayChatCompletionClient(["Quito."])
        options = {"extra_headers": headers, "seed": 7}
        asyncio.run(client.create([QUESTION], extra_create_args=options))
    (span,) = newest_trace(store).data.spans
    assert span.inputs["extra_create_args"] == {"seed": 7}


def test_an_image_in_a_task_is_recorded_as_an_image(folder: Path) -> None:
    picture = Image(Picture.new("RGB", (2, 2), "teal"))
    task = MultiModalMessage(content=["Which city?", picture], source="user")

    async def work(client: OpenAIChatCompletionClient) -> None:
        await agent(client).run(task=task)

    spans, _ = record_run_of(folder, [{"content": "Quito."}], work)
    text, image = spans[0].inputs["task"]["content"]
    assert text == "Which city?"
    assert is_png(image)


def test_two_runs_record_the_same_content(folder: Path) -> None:
    async def work(client: OpenAIChatCompletionClient) -> None:
        await agent(client).run(task="Which city?")

    first, second = (
        [
            (span.inputs, span.outputs)
            for span in record_run_of(folder, [{"content": "Quito."}], work)[0]
        ]
        for _ in range(2)
    )
    assert first == second


def test_the_patch_is_undone() -> None:
    before = mlflow.autogen._convert_value_to_dict, mlflow.autogen.construct_full_inputs
    with apply_patches(PATCH) as (outcome,):
        assert outcome.is_applied
        assert mlflow.autogen._convert_value_to_dict is not before[0]
    assert (mlflow.autogen._convert_value_to_dict, mlflow.autogen.construct_full_inputs) == before
