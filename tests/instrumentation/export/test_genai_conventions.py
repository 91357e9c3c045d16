"""Spans of a program, as OpenTelemetry's conventions for generative AI describe them over OTLP."""

import json
from collections.abc import Iterator
from typing import Any

import mlflow
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from instrumentation.recording import chat_completion
from instrumentation.trace.trace import trace_from_mlflow
from instrumentation.tracing import enable_tracing, record_run
from tests.instrumentation.export.genai_registry import find_differences
from tests.instrumentation.export.otlp_receiver import (
    ReceivedSpans,
    run_otlp_receiver,
    set_endpoint,
    span_attributes,
)

OPERATION = "gen_ai.operation.name"
MODEL = {"mlflow.llm.model": "some-model"}


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReceivedSpans]:
    with run_otlp_receiver() as received:
        set_endpoint(received.endpoint, monkeypatch)
        yield received


def export_span(
    store: str,
    received: ReceivedSpans,
    span_type: str,
    attributes: dict[str, Any] | None = None,
    inputs: Any = None,
    outputs: Any = None,
    name: str = "step",
) -> Span:
    """Record a span, and return it as the endpoint received it."""
    with enable_tracing(store), mlflow.start_span(name, span_type=span_type) as span:
        span.set_attributes(attributes or {})
        if inputs is not None:
            span.set_inputs(inputs)
        if outputs is not None:
            span.set_outputs(outputs)
    (sent,) = received
    assert find_differences(sent) == []
    return sent


def messages_in(span: Span, key: str) -> Any:
    return json.loads(span_attributes(span)[f"gen_ai.{key}"])


@pytest.mark.parametrize(
    "span_type",
    ["CHAIN", "HANDOFF", "STATE", "GUARDRAIL", "TASK", "PARSER", "RERANKER", "EVALUATOR", "OWN"],
)
def test_a_type_that_is_no_operation_keeps_its_name_and_has_none(
    span_type: str, store: str, received: ReceivedSpans
) -> None:
    sent = export_span(store, received, span_type, inputs={"messages": []})
    assert (sent.name, sent.kind) == ("step", Span.SPAN_KIND_INTERNAL)
    assert not [key for key in span_attributes(sent) if key.startswith("gen_ai.")]


@pytest.mark.parametrize(
    ("span_type", "inputs", "name"),
    [
        ("AGENT", None, "invoke_agent step"),
        ("WORKFLOW", None, "invoke_workflow step"),
        ("TOOL", None, "execute_tool step"),
        ("LLM", None, "chat some-model"),
        ("CHAT_MODEL", None, "chat some-model"),
        ("LLM", {"prompt": "Once"}, "text_completion some-model"),
        ("EMBEDDING", None, "embeddings some-model"),
        ("RETRIEVER", {"query": "drafts"}, "retrieval"),
        ("MEMORY", {"query": "drafts"}, "search_memory"),
        ("MEMORY", {"value": "draft"}, "upsert_memory"),
    ],
)
def test_a_span_is_named_by_its_operation(
    span_type: str, inputs: Any, name: str, store: str, received: ReceivedSpans
) -> None:
    sent = export_span(store, received, span_type, MODEL, inputs)
    assert sent.name == name
    assert span_attributes(sent)[OPERATION] == name.partition(" ")[0]
    assert span_attributes(sent)["flight_recorder.span.name"] == "step"


@pytest.mark.parametrize("operation", ["create_agent", "plan", "invoke_workflow"])
def test_a_declared_operation_is_exported(
    operation: str, store: str, received: ReceivedSpans
) -> None:
    attributes = {OPERATION: operation, "gen_ai.provider.name": "openai"}
    sent = export_span(store, received, "CHAIN", attributes)
    assert sent.name == f"{operation} step"


def test_only_the_exported_copy_is_renamed(store: str, received: ReceivedSpans) -> None:
    with enable_tracing(store), record_run() as run:
        with mlflow.start_span("draft", span_type="AGENT"):
            pass
        (stored,) = run.traces()[0].data.spans
    (sent,) = received
    assert (stored.name, sent.name) == ("draft", "invoke_agent draft")
    assert "flight_recorder.span.name" not in stored.attributes


def test_a_received_trace_is_read_with_the_names_in_mlflow() -> None:
    span = {
        "span_id": "1",
        "name": "invoke_workflow team",
        "attributes": {
            "mlflow.spanType": '"CHAIN"',
            "flight_recorder.span.name": '"team"',
            OPERATION: '"invoke_workflow"',
            "gen_ai.agent.name": '"team"',
        },
        "status": {"code": "STATUS_CODE_OK"},
        "start_time_unix_nano": 1,
        "end_time_unix_nano": 2,
    }
    info = {"trace_id": "tr-1", "tags": {}, "trace_metadata": {}}
    (root,) = trace_from_mlflow([{"info": info, "data": {"spans": [span]}}]).roots
    assert (root.name, root.agent) == ("team", None)
    assert "flight_recorder.span.name" not in root.attributes


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("gen_ai.workflow.name", "gen_ai.agent.name", "review"),
        ("gen_ai.system", "gen_ai.provider.name", "anthropic"),
        ("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens", 3),
        ("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens", 4),
        ("gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens", 5),
    ],
)
def test_names_of_earlier_versions_are_replaced(
    old: str, new: str, value: Any, store: str, received: ReceivedSpans
) -> None:
    sent = export_span(store, received, "LLM", {old: value, **MODEL})
    assert span_attributes(sent)[new] == value
    assert old not in span_attributes(sent)


def test_cached_tokens_have_attributes(store: str, received: ReceivedSpans) -> None:
    usage = {
        "input_tokens": 9,
        "output_tokens": 1,
        "cache_read_input_tokens": 7,
        "cache_creation_input_tokens": 2,
    }
    sent = export_span(store, received, "LLM", {**MODEL, "mlflow.chat.tokenUsage": usage})
    attributes = span_attributes(sent)
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 7
    assert attributes["gen_ai.usage.cache_write.input_tokens"] == 2


def test_cached_tokens_of_a_recorded_response_have_attributes(
    store: str, received: ReceivedSpans
) -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 1,
        "prompt_tokens_details": {"cached_tokens": 7},
    }
    with enable_tracing(store), mlflow.start_span("ask", span_type="LLM") as span:
        chat_completion.record_request(span, "writer", {"model": "some-model", "messages": []})
        chat_completion.record_response(span, {"choices": [], "usage": usage})
    (sent,) = received
    assert span_attributes(sent)["gen_ai.usage.cache_read.input_tokens"] == 7


@pytest.mark.parametrize("span_type", ["LLM", "TOOL", "AGENT", "CHAIN"])
def test_an_error_has_its_class(span_type: str, store: str, received: ReceivedSpans) -> None:
    with (
        enable_tracing(store),
        pytest.raises(TimeoutError),
        mlflow.start_span("ask", span_type=span_type),
    ):
        raise TimeoutError("no answer")
    (sent,) = received
    assert find_differences(sent) == []
    attributes = span_attributes(sent)
    assert attributes["error.type"] == "TimeoutError"
    assert attributes.get("gen_ai.response.finish_reasons") == (
        ["error"] if span_type == "LLM" else None
    )


@pytest.mark.parametrize(
    ("outputs", "result"),
    [
        ("Three.", "Three."),
        ("42", "42"),
        ('{"count": 3}', '{"count": 3}'),
        ({"count": 3}, '{"count": 3}'),
        ([], "[]"),
        (3, 3),
    ],
)
def test_a_tools_result_is_encoded_once(
    outputs: Any, result: Any, store: str, received: ReceivedSpans
) -> None:
    sent = export_span(store, received, "TOOL", inputs={"of": "drafts"}, outputs=outputs)
    assert span_attributes(sent)["gen_ai.tool.call.result"] == result
    assert span_attributes(sent)["gen_ai.tool.call.arguments"] == '{"of": "drafts"}'


def test_options_of_a_request_have_the_type_of_their_attribute(
    store: str, received: ReceivedSpans
) -> None:
    request = {
        "messages": [],
        "temperature": 0,
        "presence_penalty": "strong",
        "top_p": 1,
        "max_completion_tokens": 50,
        "seed": 7,
        "n": 2,
        "stop": "END",
        "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
        "stream": True,
    }
    attributes = span_attributes(export_span(store, received, "LLM", MODEL, request))
    expected = {
        "temperature": 0.0,
        "top_p": 1.0,
        "max_tokens": 50,
        "seed": 7,
        "choice.count": 2,
        "stop_sequences": ["END"],
        "reasoning.level": "low",
        "stream": True,
    }
    assert {key: attributes[f"gen_ai.request.{key}"] for key in expected} == expected
    assert attributes["gen_ai.output.type"] == "json"
    assert "gen_ai.request.presence_penalty" not in attributes


def test_a_conversation_is_exported_completely(store: str, received: ReceivedSpans) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "count", "arguments": '{"of": 1}'}}
    request = [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "name": "ada", "content": "How many?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "3"},
        {"role": "system", "content": "Answer now."},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "unheard_of", "value": 1},
            ],
        },
    ]
    tool = {"type": "function", "function": {"name": "count", "parameters": {"type": "object"}}}
    reply = {"choices": [{"message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}]}
    inputs = {"messages": request, "tools": [tool]}
    sent = export_span(store, received, "LLM", MODEL, inputs, reply)
    image = {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"}
    tool_call = {"type": "tool_call", "name": "count", "id": "c1", "arguments": {"of": 1}}
    assert messages_in(sent, "system_instructions") == [{"type": "text", "content": "Be brief."}]
    assert messages_in(sent, "input.messages") == [
        {"role": "user", "parts": [{"type": "text", "content": "How many?"}], "name": "ada"},
        {"role": "assistant", "parts": [tool_call]},
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "response": "3", "id": "c1"}],
        },
        {"role": "system", "parts": [{"type": "text", "content": "Answer now."}]},
        {"role": "user", "parts": [image, {"type": "unheard_of", "value": 1}]},
    ]
    assert messages_in(sent, "output.messages") == [
        {
            "role": "assistant",
            "parts": [{"type": "refusal", "content": "No."}],
            "finish_reason": "stop",
        }
    ]
    assert messages_in(sent, "tool.definitions") == [
        {"type": "function", "name": "count", "parameters": {"type": "object"}}
    ]


def test_a_reply_of_the_responses_api_is_one_message(store: str, received: ReceivedSpans) -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "count", "arguments": "{}"}
    request = {
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "How many?"}]},
            call,
            {"type": "function_call_output", "call_id": "c1", "output": "3"},
        ],
    }
    text = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "3"}],
    }
    reply = {"status": "completed", "output": [{"type": "reasoning", "content": "hm"}, text, call]}
    sent = export_span(
        store, received, "LLM", MODEL | {"mlflow.message.format": "openai"}, request, reply
    )
    assert messages_in(sent, "system_instructions") == [{"type": "text", "content": "Be brief."}]
    roles = [message["role"] for message in messages_in(sent, "input.messages")]
    assert roles == ["user", "assistant", "tool"]
    (answer,) = messages_in(sent, "output.messages")
    assert [part["type"] for part in answer["parts"]] == ["reasoning", "text", "tool_call"]
    assert span_attributes(sent)["gen_ai.response.finish_reasons"] == ["stop"]


def test_a_request_in_anthropics_format_has_messages(store: str, received: ReceivedSpans) -> None:
    request = {
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "How many?"}],
        "tools": [{"name": "count", "input_schema": {"type": "object"}}],
    }
    reply = {"role": "assistant", "content": [{"type": "text", "text": "3"}]}
    sent = export_span(
        store, received, "LLM", MODEL | {"mlflow.message.format": "anthropic"}, request, reply
    )
    assert span_attributes(sent)["gen_ai.provider.name"] == "anthropic"
    (question,) = messages_in(sent, "input.messages")
    assert question["parts"] == [{"type": "text", "content": "How many?"}]
    (answer,) = messages_in(sent, "output.messages")
    assert answer["parts"] == [{"type": "text", "content": "3"}]
    assert messages_in(sent, "tool.definitions") == [
        {"name": "count", "parameters": {"type": "object"}, "type": "function"}
    ]


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ("How many?", "Three."),
        ({"task": "How many?"}, {"raw": "Three."}),
        ({"messages": [{"role": "user", "content": "How many?"}]}, {"answer": "Three."}),
        (
            [{"source": "user", "content": "How many?"}],
            {"stop_reason": None, "message": {"source": "writer", "content": "Three."}},
        ),
    ],
)
def test_an_agent_has_messages(
    inputs: Any, outputs: Any, store: str, received: ReceivedSpans
) -> None:
    sent = export_span(store, received, "AGENT", inputs=inputs, outputs=outputs)
    (question,), (answer,) = (messages_in(sent, f"{key}.messages") for key in ("input", "output"))
    assert (question["role"], question["parts"][0]["content"]) == ("user", "How many?")
    assert (answer["role"], answer["parts"][0]["content"]) == ("assistant", "Three.")


@pytest.mark.parametrize(
    ("attributes", "provider"),
    [
        ({}, "openai"),
        ({"mlflow.llm.provider": "azure"}, "azure.ai.openai"),
        ({"mlflow.llm.provider": "ollama"}, "ollama"),
        ({"flight_recorder.client": "AnthropicChatCompletionClient.create"}, "anthropic"),
        (
            {"mlflow.llm.model": "bedrock/claude-3", "mlflow.message.format": "openai"},
            "aws.bedrock",
        ),
        ({"mlflow.message.format": "gemini"}, "gcp.gemini"),
    ],
)
def test_a_completion_has_a_provider(
    attributes: dict[str, Any], provider: str, store: str, received: ReceivedSpans
) -> None:
    sent = export_span(store, received, "CHAT_MODEL", {**MODEL, **attributes})
    assert span_attributes(sent)["gen_ai.provider.name"] == provider


UNUSUAL = {"messages": [None, 5, {"content": {"a": 1}, "tool_calls": [5]}], "tools": [5, {}, "x"]}


@pytest.mark.parametrize(
    "content",
    [
        5,
        "text",
        ["text", 5, None, ["text"]],
        {**UNUSUAL, "choices": [5, {"message": "x"}, {"delta": {"content": [None]}}]},
        {"input": [5, {"type": "function_call"}], "output": ["x", {"type": "message"}]},
    ],
)
def test_unusual_content_loses_no_span(content: Any, store: str, received: ReceivedSpans) -> None:
    for span_type in ("LLM", "AGENT", "TOOL", "RETRIEVER"):
        received.bodies.clear()
        export_span(store, received, span_type, MODEL, content, content)


def test_an_empty_list_stays_a_list(store: str, received: ReceivedSpans) -> None:
    sent = export_span(store, received, "CHAIN", {"flight_recorder.crew.agent.tools": []})
    assert span_attributes(sent)["flight_recorder.crew.agent.tools"] == []


def test_each_span_of_a_session_names_its_conversation(store: str, received: ReceivedSpans) -> None:
    with (
        enable_tracing(store),
        mlflow.tracing.context(session_id="s-1"),
        mlflow.start_span("turn"),
        mlflow.start_span("assistant", span_type="AGENT"),
        mlflow.start_span("ask", span_type="LLM"),
    ):
        pass
    conversations = [span_attributes(span)["gen_ai.conversation.id"] for span in received]
    assert conversations == ["s-1"] * 3
