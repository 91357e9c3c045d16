"""Name, kind and attributes of a span by OpenTelemetry's conventions for generative AI.

Source: https://github.com/open-telemetry/semantic-conventions-genai, v0.1.0
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import SpanKind

from instrumentation.export.genai.chat_messages import convert_agent_messages, to_json
from instrumentation.export.genai.inference import (
    FINISH_REASONS,
    convert_type,
    inference_attributes,
)
from instrumentation.export.genai.providers import find_provider
from instrumentation.trace.formats.json_documents import decode_json

OPERATION = "gen_ai.operation.name"
AGENT_NAME, TOOL_NAME = "gen_ai.agent.name", "gen_ai.tool.name"
MODEL = "gen_ai.request.model"
OPERATIONS = {
    "AGENT": "invoke_agent",
    "CHAT_MODEL": "chat",
    "EMBEDDING": "embeddings",
    "LLM": "chat",
    "RETRIEVER": "retrieval",
    "TOOL": "execute_tool",
    "WORKFLOW": "invoke_workflow",
}
"""The operation by MLflow's span type. Spans of other types are no operation, unless they say."""
MEMORY_OPERATIONS = {"query": "search_memory", "value": "upsert_memory"}
"""The operation of a MEMORY span by a key of its inputs."""
INFERENCES = ("chat", "text_completion", "generate_content")
CLIENT_OPERATIONS = (*INFERENCES, "embeddings", "retrieval", "create_agent")
"""Operations of a service outside the process; agents, workflows and tools run within it."""
AGENT_OPERATIONS = ("invoke_agent", "invoke_workflow", "create_agent", "plan")
NAMED_BY = {
    **dict.fromkeys((*INFERENCES, "embeddings"), MODEL),
    **dict.fromkeys(AGENT_OPERATIONS, AGENT_NAME),
    "execute_tool": TOOL_NAME,
    "retrieval": "gen_ai.data_source.id",
}
"""The attribute that follows the operation in the name of a span."""
RENAMED = {
    "gen_ai.system": "gen_ai.provider.name",
    "gen_ai.workflow.name": AGENT_NAME,
    "gen_ai.usage.cache_creation.input_tokens": "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.prompt_tokens": "gen_ai.usage.input_tokens",
    "gen_ai.usage.completion_tokens": "gen_ai.usage.output_tokens",
}
"""Attributes of earlier versions of the conventions, and their names in this one."""
TOKEN_COUNTS = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_creation_input_tokens": "gen_ai.usage.cache_write.input_tokens",
}
"""Keys of MLflow's token usage."""


@dataclass(frozen=True)
class GenAiSpan:
    """An MLflow span as the conventions describe it.

    Attributes:
        name: The name by the conventions; the span's own name if it is no operation.
        kind: Likewise.
        attributes: Its own attributes under their present names, and those that were derived.
    """

    name: str
    kind: SpanKind
    attributes: dict[str, Any]


def apply_conventions(
    name: str,
    kind: SpanKind,
    attributes: Mapping[str, Any],
    inputs: Any,
    outputs: Any,
    *,
    has_failed: bool = False,
) -> GenAiSpan:
    """Apply the conventions to a span of MLflow.

    The attributes are plain values; inputs and outputs are decoded.
    """
    span_type = attributes.get("mlflow.spanType")
    own = {key: value for key, value in attributes.items() if key not in RENAMED}
    old = {RENAMED[key]: value for key, value in attributes.items() if key in RENAMED}
    own = {**old, **own}
    declared = own.pop(OPERATION, None)
    is_declared = isinstance(declared, str) and declared and declared != span_type
    operation = declared if is_declared else _operation(span_type, attributes, inputs)
    if operation is None:
        return GenAiSpan(name, kind, own)
    found = {**_derive(operation, name, own, inputs, outputs), **own, OPERATION: operation}
    if has_failed and operation in INFERENCES and not found.get(FINISH_REASONS):
        found[FINISH_REASONS] = ["error"]
    typed = {key: convert_type(key, value) for key, value in found.items()}
    found = {key: value for key, value in typed.items() if value is not None}
    target = found.get(NAMED_BY.get(operation, ""))
    return GenAiSpan(
        name=f"{operation} {target}" if target else operation,
        kind=SpanKind.CLIENT if operation in CLIENT_OPERATIONS else SpanKind.INTERNAL,
        attributes=found,
    )


def _operation(span_type: Any, attributes: Mapping[str, Any], inputs: Any) -> str | None:
    """Return the operation of a span that does not name it."""
    if span_type in ("LLM", "CHAT_MODEL"):
        if attributes.get("mlflow.message.format") == "gemini":
            return "generate_content"
        if isinstance(inputs, Mapping) and "prompt" in inputs and "messages" not in inputs:
            return "text_completion"
    if span_type == "MEMORY" and isinstance(inputs, Mapping):
        return next((MEMORY_OPERATIONS[key] for key in MEMORY_OPERATIONS if key in inputs), None)
    return OPERATIONS.get(str(span_type))


def _derive(
    operation: str, name: str, attributes: Mapping[str, Any], inputs: Any, outputs: Any
) -> dict[str, Any]:
    """Return the attributes that follow from MLflow's attributes, the inputs and the outputs."""
    usage = decode_json(attributes.get("mlflow.chat.tokenUsage"))
    counts = usage if isinstance(usage, Mapping) else {}
    derived: dict[str, Any] = {key: counts.get(count) for count, key in TOKEN_COUNTS.items()}
    if operation == "execute_tool":
        return derived | {
            TOOL_NAME: name,
            "gen_ai.tool.call.arguments": _to_any(inputs),
            "gen_ai.tool.call.result": _to_any(outputs),
        }
    if operation in AGENT_OPERATIONS:
        return derived | {AGENT_NAME: name} | convert_agent_messages(inputs, outputs)
    derived[MODEL] = attributes.get("mlflow.llm.model")
    if operation in (*INFERENCES, "embeddings"):
        derived["gen_ai.provider.name"] = find_provider(attributes)
    if operation in INFERENCES:
        derived |= inference_attributes(attributes, inputs, outputs)
    if operation == "retrieval" and isinstance(inputs, Mapping):
        query = inputs.get("query")
        derived["gen_ai.retrieval.query.text"] = query if isinstance(query, str) else None
    return derived


def _to_any(value: Any) -> Any:
    """Return a value for an attribute of type `any`: a text as it is, an object as JSON."""
    parsed = decode_json(value)
    is_plain = parsed is None or isinstance(parsed, str | bool | int | float)
    return parsed if is_plain else to_json(parsed)
