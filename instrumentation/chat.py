"""A chat: what an open MLflow span says of one completion that is asked for and answered.

Names are those of OpenTelemetry's semantic conventions for generative AI; what MLflow's UI and its
search read besides stands under MLflow's own keys. A request and a completion are plain data, in
the shape of OpenAI's chat completions; a completion that was streamed is joined before.
"""

from collections.abc import Mapping
from typing import Any

from mlflow.entities import LiveSpan
from mlflow.tracing.constant import SpanAttributeKey, TokenUsageKey


def record_request(span: LiveSpan, agent: str, request: Mapping[str, Any]) -> None:
    """Write what a completion is asked for, and by which agent: {"model", "messages", "tools"?, …}.

    Inputs are the request without what is empty. Nothing of the endpoint's address or key is in it.
    """
    model = request["model"]
    told = {key: value for key, value in request.items() if key != "model" and value}
    span.set_inputs(told)
    span.set_attributes(
        {
            SpanAttributeKey.MESSAGE_FORMAT: "openai",
            SpanAttributeKey.MODEL: model,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
            "gen_ai.agent.name": agent,
        }
    )
    if tools := told.get("tools"):
        # Not by `set_span_chat_tools`: it raises where a schema is plainer than it expects.
        span.set_attribute(SpanAttributeKey.CHAT_TOOLS, tools)


def record_response(span: LiveSpan, completion: Mapping[str, Any]) -> None:
    """Write what was answered: {"choices": […], "usage"?: {"prompt_tokens", …}, "model"?, …}.

    Tokens are written only where the endpoint counts them: zero would be a claim.
    """
    choices = completion.get("choices") or []
    span.set_outputs({"choices": choices})
    if reasons := [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]:
        span.set_attribute("gen_ai.response.finish_reasons", reasons)
    if model := completion.get("model"):
        span.set_attribute("gen_ai.response.model", model)
    if usage := completion.get("usage"):
        _record_usage(span, usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)


def _record_usage(span: LiveSpan, input_tokens: int, output_tokens: int) -> None:
    tokens = {
        TokenUsageKey.INPUT_TOKENS: input_tokens,
        TokenUsageKey.OUTPUT_TOKENS: output_tokens,
        TokenUsageKey.TOTAL_TOKENS: input_tokens + output_tokens,
    }
    span.set_attribute(SpanAttributeKey.CHAT_USAGE, tokens)
    span.set_attribute("gen_ai.usage.input_tokens", input_tokens)
    span.set_attribute("gen_ai.usage.output_tokens", output_tokens)
