"""What MLflow writes beside the spans, redacted: a trace's info, tags, assessments, attachments.

None of it passes a span processor. Tags, metadata and previews of a trace wait in MLflow's memory
and leave it with the trace; what is told of a trace that is stored already, and what is stored as a
file, leaves through the client. Spans that never ended, which no processor has seen, may leave too.
"""

import copy
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import wraps
from inspect import signature
from typing import Any, Protocol

from opentelemetry.sdk.trace import ReadableSpan

from patches.mlflow.assessment_redaction import redact_assessment
from patches.patch import Patch

TRACE_INFO_FIELDS = (
    "tags",
    "trace_metadata",
    "request_preview",
    "response_preview",
    "client_request_id",
)
"""What people and programs write of a `TraceInfo`."""


WITHOUT_BRACKETS = str.maketrans("", "", "[]")
"""MLflow raises for a tag's key that has any, as a mark does."""


class Redactor(Protocol):
    """What redacts: plain data, and a span in place."""

    def redact_value(self, value: Any) -> Any: ...
    def redact_span(self, span: ReadableSpan) -> None: ...


def metadata_redaction_patch(redactor: Redactor) -> Patch:
    """Redact it as it leaves; what the program holds of it stays as it was, but for a trace's info,
    which is rewritten once its last span is on its way."""
    return Patch(
        name="beside_spans",
        symptom="tags, metadata, previews, assessments and attachments pass no span processor",
        upstream="mlflow.tracing.client.TracingClient, which has no hook before it stores",
        versions={"mlflow": ">=3.17"},
        delete_when="what `mlflow.tracing.configure` redacts with is asked about all of a trace",
        canary="tests/instrumentation/redaction/test_trace_metadata.py::test_upstream_mlflow_redacts_tags_with_its_span_processors",
        apply=lambda: _apply(redactor),
    )


@contextmanager
def _apply(redactor: Redactor) -> Generator[None]:
    from mlflow.tracing.client import TracingClient
    from mlflow.tracing.processor.otel_metrics_mixin import OtelMetricsMixin
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    def assessment(_: Any, told: dict[str, Any]) -> None:
        told["assessment"] = redact_assessment(told["assessment"], redactor.redact_value)

    def tag(_: Any, told: dict[str, Any]) -> None:
        ((key, told["value"]),) = redactor.redact_value({told["key"]: str(told["value"])}).items()
        if key != told["key"]:
            told["key"] = key.translate(WITHOUT_BRACKETS)

    def data(_: Any, told: dict[str, Any]) -> None:
        for span in told["trace_data"].spans:
            if span.end_time_ns is None:
                redactor.redact_span(span._span)

    def attachments(_: Any, told: dict[str, Any]) -> None:
        told["attachments"] = {
            key: redact_attachment(one, redactor) for key, one in told["attachments"].items()
        }

    def left(_: Any, told: dict[str, Any]) -> None:
        redact_pending_trace(told["otel_trace_id"], redactor)

    def measured(_: Any, told: dict[str, Any]) -> None:
        redact_pending_trace(told["span"].context.trace_id, redactor)

    doors = (
        (TracingClient, "set_trace_tag", tag),
        (TracingClient, "log_assessment", assessment),
        (TracingClient, "update_assessment", assessment),
        (TracingClient, "_upload_trace_data", data),
        (TracingClient, "_upload_attachments", attachments),
        (InMemoryTraceManager, "pop_trace", left),
        (OtelMetricsMixin, "record_metrics_for_span", measured),
    )
    with ExitStack() as stack:
        for cls, name, redact in doors:
            stack.enter_context(_redact_arguments(cls, name, redact))
        yield


@contextmanager
def _redact_arguments(
    cls: Any, name: str, redact: Callable[[Any, dict[str, Any]], None]
) -> Generator[None]:
    """Have `redact` rewrite the arguments, by name, with which the method is called."""
    original = cls.__dict__[name]
    spelt = signature(original)

    @wraps(original)
    def method(self: Any, *args: Any, **named: Any) -> Any:
        told = spelt.bind(self, *args, **named)
        redact(self, told.arguments)
        return original(*told.args, **told.kwargs)

    setattr(cls, name, method)
    try:
        yield
    finally:
        setattr(cls, name, original)


def redact_pending_trace(otel_id: int, redactor: Redactor) -> None:
    """Redact the info of a trace that waits in MLflow's memory; by OpenTelemetry's id."""
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager = InMemoryTraceManager.get_instance()
    trace_id = manager.get_mlflow_trace_id_from_otel_id(otel_id)
    with manager.get_trace(trace_id) as trace:
        if trace is not None:
            redact_trace_info(trace.info, redactor)


def redact_trace_info(info: Any, redactor: Redactor) -> None:
    """Redact a trace's info in place."""
    for name in TRACE_INFO_FIELDS:
        told = getattr(info, name)
        if told and (changed := redactor.redact_value(told)) is not told:
            setattr(info, name, changed)
    info.assessments = [
        redact_assessment(one, redactor.redact_value) for one in info.assessments or ()
    ]


def redact_attachment(attachment: Any, redactor: Redactor) -> Any:
    """The attachment, with its bytes redacted, under its own id."""
    content = redactor.redact_value(attachment.content_bytes)
    if content is attachment.content_bytes:
        return attachment
    told = copy.copy(attachment)
    told._content_bytes = content
    return told
