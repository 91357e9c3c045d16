"""What stands in the LLM spans of AutoGen with the chat-format patch: chat completions."""

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
from tests.patches.upstream_autolog import newest_trace, use_upstream_autolog

KEY = "sk-never-in-a-trace"
QUESTION = UserMessage(content="Which city?", source="asker")
CALL = FunctionCall(id="call_1", name="population", arguments='{"city": "Quito"}')
SHOWN_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "population", "arguments": '{"city": "Quito"}'},
}

Complete = Callable[..., Any]
Replies = Sequence[dict[str, Any]]


class City(BaseModel):
    name: str


async def population(city: str) -> str:
    """How many people live in a city."""
    return f"{city}: 2.8 million"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chat_format")


@pytest.fixture
def complete(folder: Path) -> Complete:
    """Ask for one completion of some messages, be answered `reply`; the LLM span that it leaves."""

    def complete(
        messages: Sequence[LLMMessage], reply: dict[str, Any] | None = None, **asked: Any
    ) -> Any:
        async def work(client: OpenAIChatCompletionClient) -> None:
            await client.create(messages, **asked)

        spans, _ = recorded(folder, [reply or {"content": "Quito."}], work)
        return spans[-1]

    return complete


def recorded(
    folder: Path, replies: Replies, work: Callable[..., Any]
) -> tuple[list[Any], tuple[Exchange, ...]]:
    """Let `work` have a client that is answered `replies`; the trace's spans, and the ledger."""
    tape, store = folder / "tape.jsonl", f"sqlite:///{folder / 'mlflow.db'}"
    lines = [{"lane": "clerk", "origin": "scripted", "reply": reply} for reply in replies]
    tape.write_text("\n".join(map(json.dumps, lines)))
    with replay_tape(Tape.load(tape)) as replay, use_upstream_autolog(store, PATCH):
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
    """A message without what only one side writes: who spoke, and what is null."""
    told = ("role", "content", "tool_calls", "tool_call_id")
    return {key: message[key] for key in told if message.get(key) is not None}


def is_png(part: dict[str, Any]) -> bool:
    """Whether it is a content part with a PNG, which MLflow keeps beside the trace."""
    kept = urlsplit(part["image_url"]["url"])
    kind = parse_qs(kept.query)["content_type"]
    return (part["type"], kept.scheme, kind) == ("image_url", "mlflow-attachment", ["image/png"])


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
    said = AssistantMessage(content="Quito.", thought="It is high up.", source="clerk")
    span = complete([QUESTION, said, QUESTION])
    assert span.inputs["messages"][1] == {
        "role": "assistant",
        "content": "Quito.",
        "reasoning": "It is high up.",
    }


def test_a_thought_beside_tool_calls_is_content_as_it_was_sent(complete: Complete) -> None:
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
        "tool_calls": [SHOWN_CALL],
    }


def test_each_tool_result_is_a_message_and_names_its_call(complete: Complete) -> None:
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


def test_the_prompt_is_the_one_that_the_server_was_sent(folder: Path) -> None:
    """Nothing that a model is told is missing, and nothing is told otherwise."""

    async def work(client: OpenAIChatCompletionClient) -> None:
        await agent(client).run(task="How many?")

    calls = [{"id": "call_1", "name": "population", "arguments": {"city": "Quito"}}]
    replies: Replies = [{"content": "I look.", "tool_calls": calls}, {"content": "2.8 million."}]
    spans, exchanges = recorded(folder, replies, work)
    shown = [span.inputs["messages"] for span in spans if span.span_type == "LLM"]
    sent = [exchange.request["messages"] for exchange in exchanges]
    assert [list(map(as_sent, prompt)) for prompt in shown] == [
        list(map(as_sent, prompt)) for prompt in sent
    ]


def test_a_reply_is_a_choice_with_its_tokens(complete: Complete) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    span = complete([QUESTION], {"content": "Quito.", "usage": usage})
    message = {"role": "assistant", "content": "Quito."}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    assert span.outputs == {"choices": [choice], "usage": usage}


def test_tokens_that_nobody_counted_are_not_told(complete: Complete) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 0}
    assert "usage" not in complete([QUESTION], {"content": "Quito.", "usage": usage}).outputs


def test_a_reply_that_calls_a_tool_shows_the_call(complete: Complete) -> None:
    calls = [{"id": "call_1", "name": "population", "arguments": '{"city": "Quito"}'}]
    span = complete([QUESTION], {"content": "I look.", "tool_calls": calls})
    (choice,) = span.outputs["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [SHOWN_CALL],
    }


def test_reasoning_is_kept_beside_the_answer(complete: Complete) -> None:
    span = complete([QUESTION], {"content": "Quito.", "reasoning_content": "It is high up."})
    assert span.outputs["choices"][0]["message"]["reasoning"] == "It is high up."


def test_structured_output_is_asked_for_by_its_schema(complete: Complete) -> None:
    span = complete([QUESTION], {"content": {"name": "Quito"}}, json_output=City)
    assert span.inputs["json_output"] == City.model_json_schema()
    assert json.loads(span.outputs["choices"][0]["message"]["content"]) == {"name": "Quito"}


def test_the_span_declares_its_shape(complete: Complete) -> None:
    assert complete([QUESTION]).get_attribute("mlflow.message.format") == "openai"


def test_tokens_are_counted_as_before(complete: Complete) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    span = complete([QUESTION], {"content": "Quito.", "usage": usage})
    assert span.get_attribute("mlflow.chat.tokenUsage") == {
        "input_tokens": 7,
        "output_tokens": 2,
        "total_tokens": 9,
    }


def test_tools_are_shown_to_the_ui_and_in_the_inputs(complete: Complete) -> None:
    tool = FunctionTool(population, "How many people live in a city.")
    span = complete([QUESTION], tools=[tool])
    (shown,) = span.get_attribute("mlflow.chat.tools")
    assert shown["function"]["name"] == "population"
    assert span.inputs["tools"] == [tool.schema]


def test_arguments_that_say_nothing_are_left_out(complete: Complete) -> None:
    span = complete([QUESTION], cancellation_token=CancellationToken(), json_output=None)
    assert set(span.inputs) == {"messages"}


def test_a_header_with_a_key_stays_out_of_the_trace(folder: Path) -> None:
    store = f"sqlite:///{folder / 'mlflow.db'}"
    headers = {"authorization": f"Bearer {KEY}"}
    with use_upstream_autolog(store, PATCH):
        # OpenAI's client refuses headers here; others pass on what they are given.
        client = ReplayChatCompletionClient(["Quito."])
        asked = {"extra_headers": headers, "seed": 7}
        asyncio.run(client.create([QUESTION], extra_create_args=asked))
    (span,) = newest_trace(store).data.spans
    assert span.inputs["extra_create_args"] == {"seed": 7}


def test_an_image_in_a_task_is_no_repr(folder: Path) -> None:
    picture = Image(Picture.new("RGB", (2, 2), "teal"))
    task = MultiModalMessage(content=["Which city?", picture], source="user")

    async def work(client: OpenAIChatCompletionClient) -> None:
        await agent(client).run(task=task)

    spans, _ = recorded(folder, [{"content": "Quito."}], work)
    text, image = spans[0].inputs["task"]["content"]
    assert text == "Which city?"
    assert is_png(image)


def test_two_runs_leave_the_same_content(folder: Path) -> None:
    async def work(client: OpenAIChatCompletionClient) -> None:
        await agent(client).run(task="Which city?")

    first, second = (
        [(span.inputs, span.outputs) for span in recorded(folder, [{"content": "Quito."}], work)[0]]
        for _ in range(2)
    )
    assert first == second


def test_it_is_undone() -> None:
    before = mlflow.autogen._convert_value_to_dict, mlflow.autogen.construct_full_inputs
    with apply_patches(PATCH) as (outcome,):
        assert outcome.is_applied
        assert mlflow.autogen._convert_value_to_dict is not before[0]
    assert (mlflow.autogen._convert_value_to_dict, mlflow.autogen.construct_full_inputs) == before
