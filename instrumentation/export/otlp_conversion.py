"""An outward span: a finished span as a backend that is not MLflow can read it.

MLflow writes each attribute as JSON: a string with its quotes, a number as text. Here they are
plain values, with OpenTelemetry's and OpenInference's names beside MLflow's. MLflow's own
`/v1/traces` reads the very span that was sent out of it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status

from instrumentation.redaction.storable_text import make_storable
from patches.opentelemetry.genai_attributes import to_genai_attributes

INPUTS_ATTRIBUTE, OUTPUTS_ATTRIBUTE, SPAN_TYPE_ATTRIBUTE = (
    "mlflow.spanInputs",
    "mlflow.spanOutputs",
    "mlflow.spanType",
)
VALUE_NAMES = {INPUTS_ATTRIBUTE: "input", OUTPUTS_ATTRIBUTE: "output"}
OPENINFERENCE_KIND = "openinference.span.kind"
"""https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md"""
OPENINFERENCE_KINDS = {
    kind: kind
    for kind in ("AGENT", "EMBEDDING", "EVALUATOR", "GUARDRAIL", "LLM", "RERANKER", "RETRIEVER")
} | {"TOOL": "TOOL", "CHAT_MODEL": "LLM"}
OPERATION_ATTRIBUTE = "gen_ai.operation.name"
DEFAULT_KIND = "CHAIN"
"""OpenInference's word for whatever links the others."""
MAX_LIST_CHARS = 10_000
"""A list that is longer as JSON is sent as JSON: it is a content, not a few words."""
INT64_LIMIT = 1 << 63

RedactText = Callable[[str], str]
"""What a text of a trace's own goes through before it leaves: redaction."""


def to_otlp_span(
    span: ReadableSpan, trace_attributes: Mapping[str, str], redact_text: RedactText = str
) -> ReadableSpan:
    """A copy for receivers, with what is said of its trace; ids, times and names are the same."""
    given = dict(span.attributes or {})
    of_mlflow = (
        span.instrumentation_scope is not None and span.instrumentation_scope.name[:6] == "mlflow"
    )
    told: dict[str, Any] = {
        redact_text(key): redact_text(value) for key, value in trace_attributes.items()
    }
    for key, value in given.items():
        if of_mlflow or key.startswith("mlflow."):
            told.update(_plain_attribute(key, value))
        else:
            told[key] = value
    if SPAN_TYPE_ATTRIBUTE in told:
        told[OPENINFERENCE_KIND] = OPENINFERENCE_KINDS.get(told[SPAN_TYPE_ATTRIBUTE], DEFAULT_KIND)
        told = {**to_genai_attributes(span), **told}
        if told.get(OPERATION_ATTRIBUTE) == told[SPAN_TYPE_ATTRIBUTE]:
            del told[OPERATION_ATTRIBUTE]  # MLflow's word, where OpenTelemetry has none
    return ReadableSpan(
        name=_storable(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={_storable(key): _storable(value) for key, value in told.items()},
        events=[_convert_event(event) for event in span.events],
        links=span.links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=Status(span.status.status_code, _storable(span.status.description)),
        start_time=span.start_time,
        end_time=span.end_time,
    )


def _plain_attribute(key: str, value: Any) -> dict[str, Any]:
    """An attribute as MLflow wrote it, in the form and by the names that others read."""
    plain = _decode_json(value) if isinstance(value, str) else value
    if plain is None:
        return {}
    if key not in VALUE_NAMES:
        return {key: plain}
    kind, text = VALUE_NAMES[key], isinstance(plain, str) and value[:1] == '"'
    return {
        f"{kind}.value": plain if text else value,
        f"{kind}.mime_type": "text/plain" if text else "application/json",
    }


def _decode_json(written: str) -> Any:
    """What MLflow's JSON holds, if OTLP has a type for it; else the JSON."""
    if written[:1] == "{" or (written[:1] == "[" and len(written) > MAX_LIST_CHARS):
        return written
    try:
        held = json.loads(written)
    except ValueError:
        return written
    if isinstance(held, list):
        alike = {type(item) for item in held} in ({str}, {int}, {float}, {bool})
        return held if alike and all(map(_is_int64, held)) else written
    return held if held is None or _is_int64(held) else written


def _is_int64(held: Any) -> bool:
    return not isinstance(held, int) or -INT64_LIMIT <= held < INT64_LIMIT


def _convert_event(event: Event) -> Event:
    said = {_storable(key): _storable(value) for key, value in (event.attributes or {}).items()}
    return Event(_storable(event.name), said, event.timestamp)


def _storable(value: Any) -> Any:
    """Half of a character would lose its whole batch: JSON may hold one that it spells."""
    if isinstance(value, str):
        return make_storable(value)
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value
