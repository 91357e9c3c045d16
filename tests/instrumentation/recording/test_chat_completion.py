"""Recording a chat completion on a span: request, response, tokens and tools."""

from typing import Any

import mlflow
import pytest

from instrumentation.recording.chat_completion import record_request, record_response
from instrumentation.trace import trace as traces
from instrumentation.trace.span import Span
from instrumentation.tracing import enable_tracing, record_run

USER = {"role": "user", "content": "How large is France?"}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
CHOICE = {
    "index": 0,
    "finish_reason": "stop",
    "message": {"role": "assistant", "content": "551,500 km²."},
}
USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


def recorded_span(store: str, request: dict[str, Any], completion: dict[str, Any] | None) -> Span:
    """Record a completion, and read its span back from the store."""
    with enable_tracing(store, frameworks=()), record_run() as run:
        with mlflow.start_span("ask", span_type="LLM") as span:
            record_request(span, "assistant", {"model": "some-model", **request})
            if completion is not None:
                record_response(span, completion)
        return traces.trace_from_mlflow(exported.to_dict() for exported in run.traces()).root


def test_request_and_response_are_in_openais_format(store: str) -> None:
    span = recorded_span(store, {"messages": [USER], "tools": [TOOL]}, {"choices": [CHOICE]})
    assert span.inputs == {"messages": [USER], "tools": [TOOL]}
    assert span.outputs == {"choices": [CHOICE]}
    assert span.attributes["mlflow.message.format"] == "openai"


def test_model_agent_and_finish_reason_have_standard_attributes(store: str) -> None:
    completion = {"choices": [CHOICE], "model": "some-model-2"}
    attributes = recorded_span(store, {"messages": [USER]}, completion).attributes
    assert attributes["gen_ai.request.model"] == attributes["mlflow.llm.model"] == "some-model"
    assert attributes["gen_ai.response.model"] == "some-model-2"
    assert attributes["gen_ai.agent.name"] == "assistant"
    assert attributes["gen_ai.response.finish_reasons"] == ["stop"]


def test_token_counts_are_those_of_the_endpoint(store: str) -> None:
    span = recorded_span(store, {"messages": [USER]}, {"choices": [CHOICE], "usage": USAGE})
    assert (span.tokens.input, span.tokens.output) == (12, 5)
    assert span.attributes["gen_ai.usage.output_tokens"] == 5


def test_without_usage_no_tokens_are_recorded(store: str) -> None:
    span = recorded_span(store, {"messages": [USER]}, {"choices": [CHOICE], "usage": None})
    assert not [key for key in span.attributes if "usage" in key or "token" in key]


def test_a_request_without_a_response_is_recorded(store: str) -> None:
    span = recorded_span(store, {"messages": [USER]}, None)
    assert (span.inputs, span.outputs) == ({"messages": [USER]}, None)


def test_tools_are_recorded_for_mlflows_ui(store: str) -> None:
    with enable_tracing(store, frameworks=()), record_run() as run:
        with mlflow.start_span("ask", span_type="LLM") as span:
            record_request(span, "assistant", {"model": "m", "messages": [USER], "tools": [TOOL]})
        (trace,) = run.traces()
    assert trace.data.spans[0].get_attribute("mlflow.chat.tools") == [TOOL]


@pytest.mark.parametrize("choices", [[None], ["text"], "text"])
def test_a_response_without_proper_choices_does_not_fail_the_program(
    store: str, choices: Any
) -> None:
    span = recorded_span(store, {"messages": [USER]}, {"choices": choices, "usage": USAGE})
    assert (span.outputs, span.tokens.total) == ({"choices": choices}, 17)
