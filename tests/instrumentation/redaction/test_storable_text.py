"""Characters that no store accepts are replaced, and no span is lost because of them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import mlflow
import pytest
from mlflow.entities import SpanEvent
from mlflow.tracing.provider import get_bridged_tracer_provider

from instrumentation.redaction.redaction import DEFAULT_REDACTION, Redaction
from instrumentation.tracing import enable_tracing, record_run

UNSTORABLE, REPLACED = "half \ud83d, nul \0", "half \ufffd, nul \ufffd"


class ExpectedError(Exception):
    """Raised inside a span, to be recorded."""


def in_inputs() -> None:
    with mlflow.start_span("work") as span:
        span.set_inputs({UNSTORABLE: [UNSTORABLE]})


def in_a_name_and_a_key() -> None:
    with mlflow.start_span(UNSTORABLE) as span:
        span.set_attribute(UNSTORABLE, 1)


def in_an_event() -> None:
    with mlflow.start_span("work") as span:
        span.add_event(SpanEvent(UNSTORABLE, attributes={"note": UNSTORABLE}))


def in_an_error() -> None:
    with mlflow.start_span("work"):
        raise ExpectedError(UNSTORABLE)


def in_a_bridged_span() -> None:
    tracer = get_bridged_tracer_provider().get_tracer("another library")
    with tracer.start_as_current_span("work") as span:
        span.set_attributes({"note": UNSTORABLE, "list": [UNSTORABLE, "x"]})


def in_bytes() -> None:
    tracer = get_bridged_tracer_provider().get_tracer("another library")
    with tracer.start_as_current_span("work") as span:
        span.set_attribute("note", b"half \xff")


def in_chunks() -> None:
    list(mlflow.trace(lambda: iter(["sk-abc", "defgh123", UNSTORABLE]))())
    with mlflow.start_span("work") as span:
        span.set_outputs([f"{UNSTORABLE} sk-abcdefgh1234"])


def in_trace_metadata() -> None:
    with (
        mlflow.tracing.context(tags={"kept": UNSTORABLE}, session_id=UNSTORABLE),
        mlflow.start_span("work"),
    ):
        mlflow.update_current_trace(
            tags={UNSTORABLE: UNSTORABLE},
            metadata={"note": UNSTORABLE},
            request_preview=UNSTORABLE,
            response_preview=UNSTORABLE,
        )


@pytest.mark.parametrize("redaction", [DEFAULT_REDACTION, None], ids=["redacted", "unredacted"])
def test_values_of_tags_and_metadata_are_stored_as_texts(
    store: str, redaction: Redaction | None
) -> None:
    """Otherwise the store rejects the whole trace."""
    tags: Any = {"teams": ["a", "b"], "attempt": 2}
    size: Any = {"size": {"x": 1}}
    metadata: Any = {"mlflow.trace.session": 5}
    with enable_tracing(store, frameworks=[], redaction=redaction), record_run(tags) as run:
        with mlflow.start_span("work"):
            mlflow.update_current_trace(tags=size, metadata=metadata)
        (trace,) = run.traces()
    stored = [trace.info.tags[name] for name in ("teams", "attempt", "size")]
    assert stored == ["['a', 'b']", "2", "{'x': 1}"]
    assert trace.info.trace_metadata["mlflow.trace.session"] == "5"


PLACES = (
    in_inputs,
    in_a_name_and_a_key,
    in_an_event,
    in_an_error,
    in_a_bridged_span,
    in_bytes,
    in_chunks,
    in_trace_metadata,
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "redaction", [DEFAULT_REDACTION, None], ids=["with redaction", "without redaction"]
)
def test_an_unstorable_character_loses_no_span(
    store: str, redaction: Redaction | None, place: Callable[[], None]
) -> None:
    with enable_tracing(store, experiment=uuid4().hex, redaction=redaction), record_run() as run:
        with suppress(ExpectedError):
            place()
        traces = run.traces()
    assert traces
    assert all(trace.data.spans for trace in traces)
    exported = "".join(str(trace.to_dict()) for trace in traces)
    assert "\ufffd" in exported


def test_an_unstorable_character_in_later_tags_and_feedback_is_replaced(store: str) -> None:
    with enable_tracing(store, experiment=uuid4().hex), record_run() as run:
        with mlflow.start_span("work") as span:
            pass
        mlflow.flush_trace_async_logging()
        mlflow.set_trace_tag(span.trace_id, "later", UNSTORABLE)
        mlflow.log_feedback(trace_id=span.trace_id, value=UNSTORABLE, rationale=UNSTORABLE)
        (trace,) = run.traces()
    (assessment,) = trace.info.assessments
    assert (trace.info.tags["later"], assessment.value, assessment.rationale) == (
        REPLACED,
        REPLACED,
        REPLACED,
    )


def test_binary_data_is_not_changed() -> None:
    image = b"\x89PNG\r\n\0\0\0\rIHDR\0\xed\xa0\xbd"
    assert DEFAULT_REDACTION.redact_value(image) is image
