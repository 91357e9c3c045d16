"""What an open span says of a completion that is asked for and answered."""

from typing import Any

import mlflow

from instrumentation.chat import record_request, record_response
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


def written(store: str, request: dict[str, Any], completion: dict[str, Any] | None) -> Span:
    """The span that a completion leaves, read back from the store."""
    with enable_tracing(store, frameworks=()), record_run() as run:
        with mlflow.start_span("ask", span_type="LLM") as span:
            record_request(span, "assistant", {"model": "some-model", **request})
            if completion is not None:
                record_response(span, completion)
        return traces.trace_from_mlflow(found.to_dict() for found in run.traces()).root


def test_the_request_and_the_answer_are_in_openais_format(store: str) -> None:
    span = written(store, {"messages": [USER], "tools": [TOOL]}, {"choices": [CHOICE]})
    assert span.inputs == {"messages": [USER], "tools": [TOOL]}
    assert span.outputs == {"choices": [CHOICE]}
    assert span.attributes["mlflow.message.format"] == "openai"


def test_model_agent_and_reason_to_finish_have_their_names(store: str) -> None:
    completion = {"choices": [CHOICE], "model": "some-model-2"}
    told = written(store, {"messages": [USER]}, completion).attributes
    assert told["gen_ai.request.model"] == told["mlflow.llm.model"] == "some-model"
    assert told["gen_ai.response.model"] == "some-model-2"
    assert told["gen_ai.agent.name"] == "assistant"
    assert told["gen_ai.response.finish_reasons"] == ["stop"]


def test_tokens_are_those_that_the_endpoint_counts(store: str) -> None:
    span = written(store, {"messages": [USER]}, {"choices": [CHOICE], "usage": USAGE})
    assert (span.tokens.input, span.tokens.output) == (12, 5)
    assert span.attributes["gen_ai.usage.output_tokens"] == 5


def test_without_a_count_no_tokens_are_claimed(store: str) -> None:
    span = written(store, {"messages": [USER]}, {"choices": [CHOICE], "usage": None})
    assert not [key for key in span.attributes if "usage" in key or "token" in key]


def test_the_request_is_kept_where_no_answer_comes(store: str) -> None:
    span = written(store, {"messages": [USER]}, None)
    assert (span.inputs, span.outputs) == ({"messages": [USER]}, None)


def test_the_tools_are_shown_where_mlflow_looks_for_them(store: str) -> None:
    with enable_tracing(store, frameworks=()), record_run() as run:
        with mlflow.start_span("ask", span_type="LLM") as span:
            record_request(span, "assistant", {"model": "m", "messages": [USER], "tools": [TOOL]})
        (trace,) = run.traces()
    assert trace.data.spans[0].get_attribute("mlflow.chat.tools") == [TOOL]
