"""What no store can hold of a text: it costs neither its span, nor its trace, nor the next."""

from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

import mlflow
import pytest
from mlflow.entities import SpanEvent
from mlflow.tracing.provider import get_bridged_tracer_provider

from instrumentation.redaction.redaction import DEFAULT_REDACTION, Redaction
from instrumentation.tracing import enable_tracing, record_run

HALF, MENDED = "half \ud83d, nul \0", "half \ufffd, nul \ufffd"


class Caught(Exception):
    """Raised to be recorded."""


def in_inputs() -> None:
    with mlflow.start_span("work") as span:
        span.set_inputs({HALF: [HALF]})


def in_a_name_and_a_key() -> None:
    with mlflow.start_span(HALF) as span:
        span.set_attribute(HALF, 1)


def in_an_event() -> None:
    with mlflow.start_span("work") as span:
        span.add_event(SpanEvent(HALF, attributes={"told": HALF}))


def in_an_error() -> None:
    with mlflow.start_span("work"):
        raise Caught(HALF)


def in_a_bridged_span() -> None:
    tracer = get_bridged_tracer_provider().get_tracer("another library")
    with tracer.start_as_current_span("work") as span:
        span.set_attributes({"told": HALF, "list": [HALF, "x"]})


def in_bytes() -> None:
    tracer = get_bridged_tracer_provider().get_tracer("another library")
    with tracer.start_as_current_span("work") as span:
        span.set_attribute("told", b"half \xff")


def in_chunks() -> None:
    list(mlflow.trace(lambda: iter(["sk-abc", "defgh123", HALF]))())
    with mlflow.start_span("work") as span:
        span.set_outputs([f"{HALF} sk-abcdefgh1234"])


def in_what_is_told_of_the_trace() -> None:
    with mlflow.tracing.context(tags={"kept": HALF}, session_id=HALF), mlflow.start_span("work"):
        mlflow.update_current_trace(
            tags={HALF: HALF}, metadata={"told": HALF}, request_preview=HALF, response_preview=HALF
        )


PLACES = (
    in_inputs,
    in_a_name_and_a_key,
    in_an_event,
    in_an_error,
    in_a_bridged_span,
    in_bytes,
    in_chunks,
    in_what_is_told_of_the_trace,
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("redaction", [DEFAULT_REDACTION, None], ids=["redacted", "as it is"])
def test_half_a_character_costs_no_span(
    store: str, redaction: Redaction | None, place: Callable[[], None]
) -> None:
    with enable_tracing(store, experiment=uuid4().hex, redaction=redaction), record_run() as run:
        with suppress(Caught):
            place()
        traces = run.traces()
    assert traces
    assert all(trace.data.spans for trace in traces)
    told = "".join(str(trace.to_dict()) for trace in traces)
    assert "\ufffd" in told


def test_what_is_told_later_may_have_one(store: str) -> None:
    with enable_tracing(store, experiment=uuid4().hex), record_run() as run:
        with mlflow.start_span("work") as span:
            pass
        mlflow.flush_trace_async_logging()
        mlflow.set_trace_tag(span.trace_id, "later", HALF)
        mlflow.log_feedback(trace_id=span.trace_id, value=HALF, rationale=HALF)
        (trace,) = run.traces()
    (given,) = trace.info.assessments
    assert (trace.info.tags["later"], given.value, given.rationale) == (MENDED, MENDED, MENDED)


def test_a_file_keeps_each_of_its_bytes() -> None:
    image = b"\x89PNG\r\n\0\0\0\rIHDR\0\xed\xa0\xbd"
    assert DEFAULT_REDACTION.redact_value(image) is image
