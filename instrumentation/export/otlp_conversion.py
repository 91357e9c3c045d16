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

from instrumentation.redaction.storable_text import storable
from patches.opentelemetry.genai_attributes import genai_names

INPUTS, OUTPUTS, TYPE = "mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.spanType"
VALUES = {INPUTS: "input", OUTPUTS: "output"}
KIND = "openinference.span.kind"
"""https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md"""
KINDS = {
    kind: kind
    for kind in ("AGENT", "EMBEDDING", "EVALUATOR", "GUARDRAIL", "LLM", "RERANKER", "RETRIEVER")
} | {"TOOL": "TOOL", "CHAT_MODEL": "LLM"}
OPERATION = "gen_ai.operation.name"
OTHER_KIND = "CHAIN"
"""OpenInference's word for whatever links the others."""
LIST_CHARS = 10_000
"""A list that is longer as JSON is sent as JSON: it is a content, not a few words."""
BITS_64 = 1 << 63

Clean = Callable[[str], str]
"""What a text of a trace's own goes through before it leaves: redaction."""


def outward(span: ReadableSpan, said: Mapping[str, str], clean: Clean = str) -> ReadableSpan:
    """A copy for receivers, with what is said of its trace; ids, times and names are the same."""
    given = dict(span.attributes or {})
    of_mlflow = (
        span.instrumentation_scope is not None and span.instrumentation_scope.name[:6] == "mlflow"
    )
    told: dict[str, Any] = {clean(key): clean(value) for key, value in said.items()}
    for key, value in given.items():
        if of_mlflow or key.startswith("mlflow."):
            told.update(_plain(key, value))
        else:
            told[key] = value
    if TYPE in told:
        told[KIND] = KINDS.get(told[TYPE], OTHER_KIND)
        told = {**genai_names(span), **told}
        if told.get(OPERATION) == told[TYPE]:
            del told[OPERATION]  # MLflow's word, where OpenTelemetry has none
    return ReadableSpan(
        name=_sendable(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={_sendable(key): _sendable(value) for key, value in told.items()},
        events=[_event(event) for event in span.events],
        links=span.links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=Status(span.status.status_code, _sendable(span.status.description)),
        start_time=span.start_time,
        end_time=span.end_time,
    )


def _plain(key: str, value: Any) -> dict[str, Any]:
    """An attribute as MLflow wrote it, in the form and by the names that others read."""
    plain = _read(value) if isinstance(value, str) else value
    if plain is None:
        return {}
    if key not in VALUES:
        return {key: plain}
    kind, text = VALUES[key], isinstance(plain, str) and value[:1] == '"'
    return {
        f"{kind}.value": plain if text else value,
        f"{kind}.mime_type": "text/plain" if text else "application/json",
    }


def _read(written: str) -> Any:
    """What MLflow's JSON holds, if OTLP has a type for it; else the JSON."""
    if written[:1] == "{" or (written[:1] == "[" and len(written) > LIST_CHARS):
        return written
    try:
        held = json.loads(written)
    except ValueError:
        return written
    if isinstance(held, list):
        alike = {type(item) for item in held} in ({str}, {int}, {float}, {bool})
        return held if alike and all(map(_fits, held)) else written
    return held if held is None or _fits(held) else written


def _fits(held: Any) -> bool:
    return not isinstance(held, int) or -BITS_64 <= held < BITS_64


def _event(event: Event) -> Event:
    said = {_sendable(key): _sendable(value) for key, value in (event.attributes or {}).items()}
    return Event(_sendable(event.name), said, event.timestamp)


def _sendable(value: Any) -> Any:
    """Half of a character would lose its whole batch: JSON may hold one that it spells."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list | tuple):
        return [_sendable(item) for item in value]
    return value
