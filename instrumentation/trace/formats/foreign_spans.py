"""Convert spans of MLflow 2 and of OTLP JSON into spans as MLflow 3 exports them.

Sources: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding for OTLP,
https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md for OpenInference,
`mlflow.entities.Span.from_dict_v2` for MLflow 2.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from instrumentation.trace.formats.exported_span import TraceNotFoundError
from instrumentation.trace.formats.otlp_values import field_in_either_case, otlp_attributes
from instrumentation.trace.session import SESSION_KEY, USER_KEY
from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE
from instrumentation.trace.wording import describe_value

SPAN_TYPES = {
    "chat": "LLM",
    "text_completion": "LLM",
    "generate_content": "LLM",
    "invoke_agent": "AGENT",
    "invoke_workflow": "CHAIN",
    "execute_tool": "TOOL",
    "embeddings": "EMBEDDING",
    "retrieval": "RETRIEVER",
    "workflow": "CHAIN",
}
"""MLflow's span type for a `gen_ai.operation.name`, or a kind of OpenLLMetry."""
TYPE_KEYS = (
    "mlflow.spanType",
    "openinference.span.kind",
    "gen_ai.operation.name",
    "traceloop.span.kind",
)
INPUT_KEYS = (
    "mlflow.spanInputs",
    "input.value",
    "gen_ai.input.messages",
    "gen_ai.tool.call.arguments",
    "traceloop.entity.input",
)
OUTPUT_KEYS = (
    "mlflow.spanOutputs",
    "output.value",
    "gen_ai.output.messages",
    "gen_ai.tool.call.result",
    "traceloop.entity.output",
)
INPUT_TOKEN_KEYS = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
)
OUTPUT_TOKEN_KEYS = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
)
TOOL_NAME_KEYS = ("gen_ai.tool.name", "tool.name")
AGENT_NAME_KEYS = ("gen_ai.agent.name", "agent.name")
SESSION_KEYS = {
    SESSION_KEY: (SESSION_KEY, "session.id", "gen_ai.conversation.id"),
    USER_KEY: (USER_KEY, "user.id"),
}
STATUS_CODES = {0: "STATUS_CODE_UNSET", 1: "STATUS_CODE_OK", 2: "STATUS_CODE_ERROR"}


def convert_mlflow2_span(span: Mapping[str, Any]) -> dict[str, Any]:
    """A span of MLflow 2, which has a `context`, as MLflow 3 exports it."""
    status, context = str(span.get("status_code", "UNSET")), span["context"]
    return {
        "name": span.get("name"),
        "span_id": context.get("span_id") if isinstance(context, Mapping) else context,
        "parent_span_id": span.get("parent_id"),
        "start_time_unix_nano": span.get("start_time"),
        "end_time_unix_nano": span.get("end_time"),
        "status": {"code": status, "message": span.get("status_message") or ""},
        "attributes": span.get("attributes") or {},
    }


def convert_otlp(requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The traces in export requests of OTLP JSON, as MLflow 3 exports them."""
    spans_of: dict[str, list[dict[str, Any]]] = {}
    for span in _iter_otlp_spans(requests):
        converted = convert_otlp_span(span)
        spans_of.setdefault(str(field_in_either_case(span, "traceId")), []).append(converted)
    return [_to_trace(id, spans) for id, spans in spans_of.items()]


def convert_otlp_span(span: Mapping[str, Any]) -> dict[str, Any]:
    """A span of OTLP JSON as MLflow 3 exports it."""
    try:
        attributes = otlp_attributes(span.get("attributes") or ())
    except TraceNotFoundError as error:
        raise TraceNotFoundError(f"span {span.get('name')!r}: {error}") from error
    span_type = _span_type(attributes)
    name = _first(attributes, TOOL_NAME_KEYS) if span_type == "TOOL" else None
    return {
        "name": str(name) if name else span.get("name"),
        "span_id": field_in_either_case(span, "spanId"),
        "parent_span_id": field_in_either_case(span, "parentSpanId") or None,
        "start_time_unix_nano": field_in_either_case(span, "startTimeUnixNano"),
        "end_time_unix_nano": field_in_either_case(span, "endTimeUnixNano"),
        "status": _convert_status(span.get("status") or {}),
        "attributes": {
            key: json.dumps(value)
            for key, value in (attributes | _mlflow_attributes(attributes, span_type)).items()
        },
    }


def _convert_status(status: Any) -> Any:
    """The status with MLflow's name of its code; a status of another shape as it is."""
    if not isinstance(status, Mapping):
        return status
    code = status.get("code", 0)
    known = STATUS_CODES.get(code, code) if isinstance(code, int) else code
    return {"code": known, "message": status.get("message") or ""}


def _to_trace(id: str, spans: list[dict[str, Any]]) -> dict[str, Any]:
    """A trace with its session: our exporter and others write it into the root span."""
    attributes = spans[0]["attributes"]
    for span in spans:
        attributes = attributes if span["parent_span_id"] else span["attributes"]
    metadata = {name: _first(attributes, keys) for name, keys in SESSION_KEYS.items()}
    known = {name: str(json.loads(value)) for name, value in metadata.items() if value}
    return {"info": {"trace_id": id, "trace_metadata": known}, "data": {"spans": spans}}


def _iter_otlp_spans(requests: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for request in requests:
        for resource in _objects(request, "resourceSpans"):
            scopes = _objects(resource, "scopeSpans")
            for scope in scopes or _objects(resource, "instrumentationLibrarySpans"):
                yield from _objects(scope, "spans")


def _objects(message: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """The objects in a field. Raises `TraceNotFoundError` if it has anything else."""
    found = field_in_either_case(message, name) or ()
    if isinstance(found, str | Mapping) or not all(isinstance(one, Mapping) for one in found):
        raise TraceNotFoundError(f'"{name}" is {describe_value(found)}; expected a list of objects')
    return list(found)


def _span_type(attributes: Mapping[str, Any]) -> str:
    found = str(_first(attributes, TYPE_KEYS) or "UNKNOWN")
    return SPAN_TYPES.get(found, found.upper())


def _mlflow_attributes(attributes: Mapping[str, Any], span_type: str) -> dict[str, Any]:
    """MLflow's attributes, from those of OpenTelemetry, OpenInference or OpenLLMetry."""
    tokens = {
        "input_tokens": _first(attributes, INPUT_TOKEN_KEYS),
        "output_tokens": _first(attributes, OUTPUT_TOKEN_KEYS),
    }
    known = {name: count for name, count in tokens.items() if count is not None}
    found = {
        "mlflow.spanInputs": _first(attributes, INPUT_KEYS),
        "mlflow.spanOutputs": _first(attributes, OUTPUT_KEYS),
        "gen_ai.agent.name": _first(attributes, AGENT_NAME_KEYS),
        TOKEN_USAGE_ATTRIBUTE: attributes.get(TOKEN_USAGE_ATTRIBUTE) or known or None,
    }
    return {"mlflow.spanType": span_type} | {
        key: value for key, value in found.items() if value is not None
    }


def _first(attributes: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """The first attribute that is there and not empty."""
    found = (attributes[key] for key in keys if attributes.get(key) not in (None, ""))
    return next(found, None)
