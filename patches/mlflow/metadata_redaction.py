"""Redact a trace's metadata: tags, previews, assessments, attachments, and unfinished spans.

Span processors do not see them. Tags, metadata and previews are in MLflow's memory until the trace
is stored. Changes to a stored trace, and attachments, leave through MLflow's tracing client, and
spans that never ended are stored with the trace.
"""

import copy
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import wraps
from inspect import signature
from typing import Any, Protocol

from opentelemetry.sdk.trace import ReadableSpan

from patches.mlflow.assessment_redaction import redact_assessment
from patches.mlflow.spans.unwritable_values import to_writable
from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block

TRACE_INFO_FIELDS = (
    "tags",
    "trace_metadata",
    "request_preview",
    "response_preview",
    "client_request_id",
)
"""The fields of a `TraceInfo` that hold text of people or programs."""
WITHOUT_BRACKETS = str.maketrans("", "", "[]")
"""Removes brackets, which redaction placeholders contain and MLflow rejects in a tag's key."""

TRACING_CLIENT = "mlflow.tracing.client:TracingClient"
METRICS_MIXIN = "mlflow.tracing.processor.otel_metrics_mixin:OtelMetricsMixin"


class Redactor(Protocol):
    """Redacts plain data, and finished spans in place."""

    def redact_value(self, value: Any) -> Any: ...
    def redact_span(self, span: ReadableSpan) -> None: ...


def metadata_redaction_patch(redactor: Redactor) -> Patch:
    """Redact metadata when it is stored.

    The program's own objects stay as they are, except a trace's info: it is redacted in place once
    the last span of the trace is on its way to the store.
    """
    return Patch(
        name="mlflow.metadata_redaction",
        symptom="tags, metadata, previews, assessments and attachments bypass all span processors",
        upstream="mlflow.tracing.client.TracingClient, which has no hook before it stores",
        versions={"mlflow": ">=3.17,<3.19"},
        delete_when="the hooks of `mlflow.tracing.configure` are called for all parts of a trace",
        canary="tests/instrumentation/redaction/test_trace_metadata.py"
        "::test_upstream_mlflow_redacts_tags_with_its_span_processors",
        apply=lambda: _apply(redactor),
        wraps={
            f"{TRACING_CLIENT}.set_trace_tag": "self, trace_id, key, value",
            f"{TRACING_CLIENT}.log_assessment": "self, trace_id, assessment",
            f"{TRACING_CLIENT}.update_assessment": "",
            f"{TRACING_CLIENT}._upload_trace_data": "self, trace_info, trace_data",
            f"{TRACING_CLIENT}._upload_attachments": "self, trace_info, attachments",
            "mlflow.tracing.trace_manager:InMemoryTraceManager.pop_trace": "self, otel_trace_id",
            f"{METRICS_MIXIN}.record_metrics_for_span": "self, span",
        },
    )


Arguments = dict[str, Any]
"""The arguments of a call, by parameter name; may be changed in place."""


@contextmanager
def _apply(redactor: Redactor) -> Generator[None]:
    from mlflow.tracing.client import TracingClient
    from mlflow.tracing.processor.otel_metrics_mixin import OtelMetricsMixin
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    def set_tag(arguments: Arguments) -> None:
        tag = {arguments["key"]: str(arguments["value"])}
        ((key, arguments["value"]),) = redactor.redact_value(tag).items()
        if key != arguments["key"]:
            arguments["key"] = key.translate(WITHOUT_BRACKETS)

    def log_assessment(arguments: Arguments) -> None:
        assessment = arguments["assessment"]
        arguments["assessment"] = redact_assessment(assessment, redactor.redact_value)

    def upload_spans(arguments: Arguments) -> None:
        for span in arguments["trace_data"].spans:
            if span.end_time_ns is None:
                redactor.redact_span(span._span)

    def upload_attachments(arguments: Arguments) -> None:
        arguments["attachments"] = {
            key: redact_attachment(attachment, redactor)
            for key, attachment in arguments["attachments"].items()
        }

    def pop_trace(arguments: Arguments) -> None:
        redact_pending_trace(arguments["otel_trace_id"], redactor)

    def record_metrics(arguments: Arguments) -> None:
        redact_pending_trace(arguments["span"].context.trace_id, redactor)

    methods = (
        (TracingClient, "set_trace_tag", set_tag),
        (TracingClient, "log_assessment", log_assessment),
        (TracingClient, "update_assessment", log_assessment),
        (TracingClient, "_upload_trace_data", upload_spans),
        (TracingClient, "_upload_attachments", upload_attachments),
        (InMemoryTraceManager, "pop_trace", pop_trace),
        (OtelMetricsMixin, "record_metrics_for_span", record_metrics),
    )
    with ExitStack() as stack:
        for cls, method_name, redact in methods:
            stack.enter_context(_redact_arguments(cls, method_name, redact))
        yield


def _redact_arguments(
    cls: Any, method_name: str, redact: Callable[[Arguments], None]
) -> AbstractContextManager[None]:
    """Let `redact` change the arguments of each call of a method."""
    original = cls.__dict__[method_name]
    parameters = signature(original)

    @wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        bound = parameters.bind(self, *args, **kwargs)
        redact(bound.arguments)
        return original(*bound.args, **bound.kwargs)

    return replace_for_block(cls, **{method_name: method})


def redact_pending_trace(otel_id: int, redactor: Redactor) -> None:
    """Redact the info of a trace in MLflow's memory, found by its OpenTelemetry id."""
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager = InMemoryTraceManager.get_instance()
    trace_id = manager.get_mlflow_trace_id_from_otel_id(otel_id)
    with manager.get_trace(trace_id) as trace:
        if trace is not None:
            redact_trace_info(trace.info, redactor)


def redact_trace_info(info: Any, redactor: Redactor) -> None:
    """Redact a `TraceInfo` in place; a store rejects a trace with a value that is not a text."""
    info.tags, info.trace_metadata = map(_values_as_texts, (info.tags, info.trace_metadata))
    for name in TRACE_INFO_FIELDS:
        value = getattr(info, name)
        if value and (redacted := redactor.redact_value(value)) is not value:
            setattr(info, name, redacted)
    info.assessments = [
        redact_assessment(assessment, redactor.redact_value)
        for assessment in info.assessments or ()
    ]


def _values_as_texts(values: dict[str, Any]) -> dict[str, Any]:
    if all(value is None or isinstance(value, str) for value in values.values()):
        return values
    return {
        name: value if value is None or isinstance(value, str) else str(to_writable(value))
        for name, value in values.items()
    }


def redact_attachment(attachment: Any, redactor: Redactor) -> Any:
    """Return the attachment with its bytes redacted; its id stays the same."""
    content = redactor.redact_value(attachment.content_bytes)
    if content is attachment.content_bytes:
        return attachment
    redacted = copy.copy(attachment)
    redacted._content_bytes = content
    return redacted
