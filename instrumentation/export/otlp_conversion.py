"""Convert a finished MLflow span into one that other OpenTelemetry backends understand.

MLflow writes each attribute as JSON: strings in quotes, numbers as text. Here they become plain
values, and OpenTelemetry's and OpenInference's attributes are added to MLflow's. MLflow's own
`/v1/traces` reads these spans back unchanged.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status, StatusCode

from instrumentation.export.genai.conventions import GenAiSpan, apply_conventions
from instrumentation.redaction.nested_values import make_storable
from patches.support.error_boundaries import call_with_fallback

INPUTS_ATTRIBUTE, OUTPUTS_ATTRIBUTE = "mlflow.spanInputs", "mlflow.spanOutputs"
SPAN_TYPE_ATTRIBUTE = "mlflow.spanType"
VALUE_NAMES = {INPUTS_ATTRIBUTE: "input", OUTPUTS_ATTRIBUTE: "output"}
OPENINFERENCE_KIND = "openinference.span.kind"
"""https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md"""
OPENINFERENCE_KINDS = {
    kind: kind
    for kind in ("AGENT", "EMBEDDING", "EVALUATOR", "GUARDRAIL", "LLM", "RERANKER", "RETRIEVER")
} | {"TOOL": "TOOL", "CHAT_MODEL": "LLM"}
DEFAULT_KIND = "CHAIN"
"""OpenInference's kind for spans that link other spans."""
SPAN_NAME_ATTRIBUTE = "flight_recorder.span.name"
"""The name of the span in MLflow, where the conventions give it another."""
ERROR_TYPE_ATTRIBUTE = "error.type"
"""https://opentelemetry.io/docs/specs/semconv/general/recording-errors/"""
MAX_LIST_CHARS = 10_000
"""A list that is longer as JSON stays JSON: it is content, not a few words."""
INT64_LIMIT = 1 << 63

RedactText = Callable[[str], str]
"""Redacts the texts of a trace, which do not pass the span pipeline."""


def to_otlp_span(
    span: ReadableSpan, trace_attributes: Mapping[str, str], redact_text: RedactText = str
) -> ReadableSpan:
    """Convert a span for OTLP. Ids, times, parent and status stay the same.

    A span that is an operation of generative AI gets the name and the kind that OpenTelemetry's
    conventions give it; its name in MLflow is then an attribute.

    The trace attributes are tags, session and conversation of the trace, as far as the span has
    them; `redact_text` redacts these.
    """
    attributes = {redact_text(key): redact_text(value) for key, value in trace_attributes.items()}
    attributes |= _plain_attributes(span)
    described = GenAiSpan(span.name, span.kind, attributes)
    if SPAN_TYPE_ATTRIBUTE in attributes:
        described = _describe(span, attributes)
    return ReadableSpan(
        name=_storable(described.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={
            _storable(key): _storable(value) for key, value in described.attributes.items()
        },
        events=[_convert_event(event) for event in span.events],
        links=span.links,
        kind=described.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=Status(span.status.status_code, _storable(span.status.description)),
        start_time=span.start_time,
        end_time=span.end_time,
    )


def _plain_attributes(span: ReadableSpan) -> dict[str, Any]:
    """Return the attributes of a span; those that MLflow wrote are decoded."""
    scope = span.instrumentation_scope
    is_from_mlflow = scope is not None and scope.name[:6] == "mlflow"
    attributes: dict[str, Any] = {}
    for key, value in dict(span.attributes or {}).items():
        is_encoded = is_from_mlflow or key.startswith("mlflow.")
        attributes.update(_plain_attribute(key, value) if is_encoded else {key: value})
    return attributes


def _describe(span: ReadableSpan, attributes: dict[str, Any]) -> GenAiSpan:
    """Add what OpenInference's and OpenTelemetry's conventions say of a span of MLflow."""
    span_type = attributes[SPAN_TYPE_ATTRIBUTE]
    attributes[OPENINFERENCE_KIND] = OPENINFERENCE_KINDS.get(span_type, DEFAULT_KIND)
    contents = (_decode_content(span, key) for key in (INPUTS_ATTRIBUTE, OUTPUTS_ATTRIBUTE))
    has_failed = span.status.status_code is StatusCode.ERROR
    describe = partial(apply_conventions, span.name, span.kind, attributes, *contents)
    described = call_with_fallback(  # programs record any content, and none of it may lose the span
        partial(describe, has_failed=has_failed),
        lambda _: GenAiSpan(span.name, span.kind, attributes),
    )
    if described.name != span.name:
        described.attributes[SPAN_NAME_ATTRIBUTE] = span.name
    if has_failed:
        described.attributes.setdefault(ERROR_TYPE_ATTRIBUTE, _error_type(span))
    return described


def _plain_attribute(key: str, value: Any) -> dict[str, Any]:
    """Convert an attribute of MLflow into a plain value, and inputs and outputs also by name."""
    plain = _decode_json(value) if isinstance(value, str) else value
    if plain is None:
        return {}
    if key not in VALUE_NAMES:
        return {key: plain}
    name, is_text = VALUE_NAMES[key], isinstance(plain, str) and value[:1] == '"'
    return {
        f"{name}.value": plain if is_text else value,
        f"{name}.mime_type": "text/plain" if is_text else "application/json",
    }


def _decode_content(span: ReadableSpan, key: str) -> Any:
    """Decode the inputs or outputs of a span; None if it has none."""
    text = (span.attributes or {}).get(key)
    try:
        return json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return text


def _error_type(span: ReadableSpan) -> str:
    """Return the class of the last exception, by its event; `_OTHER` if none was recorded."""
    events = [event.attributes or {} for event in span.events if event.name == "exception"]
    return str(
        next((one["exception.type"] for one in events[::-1] if "exception.type" in one), "_OTHER")
    )


def _decode_json(text: str) -> Any:
    """Decode JSON if OTLP has a type for its value; otherwise return the text."""
    if text[:1] == "{" or (text[:1] == "[" and len(text) > MAX_LIST_CHARS):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, list):
        types = {type(item) for item in value}
        is_homogeneous = types in (set(), {str}, {int}, {float}, {bool})
        return value if is_homogeneous and all(map(_is_int64, value)) else text
    return value if value is None or _is_int64(value) else text


def _is_int64(value: Any) -> bool:
    """Return whether a value fits into OTLP's type; only large integers do not."""
    return not isinstance(value, int) or -INT64_LIMIT <= value < INT64_LIMIT


def _convert_event(event: Event) -> Event:
    attributes = {
        _storable(key): _storable(value) for key, value in (event.attributes or {}).items()
    }
    return Event(_storable(event.name), attributes, event.timestamp)


def _storable(value: Any) -> Any:
    """Replace unstorable characters: one of them would lose the whole batch."""
    if isinstance(value, str):
        return make_storable(value)
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value
