"""Record a chat completion on an open MLflow span: its request, then its response.

Attribute names are those of OpenTelemetry's semantic conventions for generative AI; MLflow's own
attributes are added where its UI and its search need them. Requests and completions are plain data
in the shape of OpenAI's chat completions API. Streamed chunks must be joined first.

Example:
    with mlflow.start_span("chat_completion", span_type="LLM") as span:
        record_request(span, "researcher", request)
        completion = await client.chat.completions.create(**request)
        record_response(span, completion.model_dump())
"""

from collections.abc import Mapping
from typing import Any

from mlflow.entities import LiveSpan
from mlflow.tracing.constant import SpanAttributeKey

from patches.support.completion_attributes import read_token_counts, token_attributes


def record_request(span: LiveSpan, agent: str, request: Mapping[str, Any]) -> None:
    """Record the request of a completion and the agent that makes it.

    The span's inputs are the request without its empty fields. The address and the key of the
    endpoint are not part of it: {"model": …, "messages": […], "tools"?: […], …}
    """
    model = request["model"]
    inputs = {key: value for key, value in request.items() if key != "model" and value}
    span.set_inputs(inputs)
    span.set_attributes(
        {
            SpanAttributeKey.MESSAGE_FORMAT: "openai",
            SpanAttributeKey.MODEL: model,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
            "gen_ai.agent.name": agent,
        }
    )
    if tools := inputs.get("tools"):
        # Not with `set_span_chat_tools`: it raises for schemas that are simpler than it expects.
        span.set_attribute(SpanAttributeKey.CHAT_TOOLS, tools)


def record_response(span: LiveSpan, completion: Mapping[str, Any]) -> None:
    """Record the response: {"choices": […], "usage"?: {"prompt_tokens": …, …}, "model"?: …, …}

    Token counts are recorded only if the endpoint reports them.
    """
    choices = completion.get("choices") or []
    span.set_outputs({"choices": choices})
    known = [choice for choice in choices if isinstance(choice, Mapping)]
    if reasons := [choice["finish_reason"] for choice in known if choice.get("finish_reason")]:
        span.set_attribute("gen_ai.response.finish_reasons", reasons)
    if model := completion.get("model"):
        span.set_attribute("gen_ai.response.model", model)
    span.set_attributes(token_attributes(read_token_counts(completion.get("usage"))))
