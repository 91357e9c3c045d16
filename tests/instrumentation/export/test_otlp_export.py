"""OTLP export: an endpoint gets each span, with names and values that it understands."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import mlflow
import pytest
from mlflow.tracing import get_bridged_tracer_provider
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from instrumentation.export import (
    BatchExporter,
    DeliveryStats,
    ExportLimits,
    OtlpClient,
    to_otlp_span,
)
from instrumentation.sampling.sampling import Sampling
from instrumentation.tracing import enable_tracing, record_run
from tests.instrumentation.export.otlp_receiver import (
    ReceivedSpans,
    run_otlp_receiver,
    set_endpoint,
    span_attributes,
    span_status,
)

UNSTORABLE, REPLACED = "half \ud83d of a character", "half \ufffd of a character"
TRACER = TracerProvider().get_tracer("another.library")

ToOtlpSpan = Callable[[ReadableSpan, Mapping[str, str]], ReadableSpan]


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReceivedSpans]:
    with run_otlp_receiver() as received:
        set_endpoint(received.endpoint, monkeypatch)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        yield received


def test_a_span_arrives_with_its_ids_parent_and_times(store: str, received: ReceivedSpans) -> None:
    with enable_tracing(store), record_run() as run:
        with mlflow.start_span("root"), mlflow.start_span("child"):
            pass
        (trace,) = run.traces()
    assert sorted(span.name for span in received) == ["child", "root"]
    for span in trace.data.spans:
        sent = received.span_named(span.name)
        assert f"tr-{sent.trace_id.hex()}" == span.trace_id
        assert sent.span_id.hex() == span.span_id
        assert sent.parent_span_id.hex() == (span.parent_id or "")
        assert sent.start_time_unix_nano == span.start_time_ns
        assert sent.end_time_unix_nano == span.end_time_ns


def test_without_an_endpoint_nothing_is_sent(store: str) -> None:
    with run_otlp_receiver() as received, enable_tracing(store), mlflow.start_span("alone"):
        pass
    assert not received.bodies


def test_sent_spans_are_also_in_mlflows_store(store: str, received: ReceivedSpans) -> None:
    with enable_tracing(store), record_run() as run:
        with mlflow.start_span("both"):
            pass
        assert [span.name for span in run.traces()[0].data.spans] == ["both"]
    assert [span.name for span in received] == ["both"]


def test_an_error_arrives_with_its_message_and_its_event(
    store: str, received: ReceivedSpans
) -> None:
    with (
        enable_tracing(store),
        pytest.raises(ValueError, match="no draft"),
        mlflow.start_span("failed"),
    ):
        raise ValueError("no draft")
    sent = received.span_named("failed")
    assert (span_status(sent), sent.status.message) == ("ERROR", "ValueError: no draft")
    (event,) = sent.events
    assert event.name == "exception"
    assert "no draft" in {pair.value.string_value for pair in event.attributes}


def test_attribute_values_are_plain(store: str, received: ReceivedSpans) -> None:
    with enable_tracing(store), mlflow.start_span("said") as span:
        span.set_inputs({"question": "How many?"})
        span.set_outputs("Three.")
        span.set_attributes(
            {"flight_recorder.http.attempts": 2, "share": 0.5, "sure": True, "words": ["a", "b"]}
        )
        span.set_attributes({"big": 1 << 70, "nothing": None})
    attributes = span_attributes(received.span_named("said"))
    assert (
        attributes["flight_recorder.http.attempts"],
        attributes["share"],
        attributes["sure"],
    ) == (2, 0.5, True)
    assert (attributes["words"], attributes["big"]) == (["a", "b"], str(1 << 70))
    assert "nothing" not in attributes
    assert (attributes["input.value"], attributes["input.mime_type"]) == (
        '{"question": "How many?"}',
        "application/json",
    )
    assert (attributes["output.value"], attributes["output.mime_type"]) == ("Three.", "text/plain")


def test_a_completion_has_opentelemetrys_attributes(store: str, received: ReceivedSpans) -> None:
    reply = {"role": "assistant", "content": "Three."}
    with enable_tracing(store), mlflow.start_span("ask", span_type="LLM") as span:
        span.set_inputs({"messages": [{"role": "user", "content": "How many?"}]})
        span.set_outputs({"choices": [{"message": reply, "finish_reason": "stop"}]})
        span.set_attribute("mlflow.llm.model", "some-model")
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 7, "output_tokens": 2})
    attributes = span_attributes(received.span_named("chat some-model"))
    assert attributes["openinference.span.kind"] == "LLM"
    assert attributes["gen_ai.request.model"] == "some-model"
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (
        7,
        2,
    )
    assert '"How many?"' in attributes["gen_ai.input.messages"]
    assert '"Three."' in attributes["gen_ai.output.messages"]


def test_a_custom_span_type_gets_an_openinference_kind(store: str, received: ReceivedSpans) -> None:
    with enable_tracing(store), mlflow.start_span("a → b", span_type="HANDOFF"):
        pass
    attributes = span_attributes(received.span_named("a → b"))
    assert attributes["mlflow.spanType"] == "HANDOFF"
    assert attributes["openinference.span.kind"] == "CHAIN"
    assert "gen_ai.operation.name" not in attributes


def test_tags_session_and_user_are_attributes_of_the_root(
    store: str, received: ReceivedSpans
) -> None:
    with (
        enable_tracing(store),
        record_run({"team": "briefing"}),
        mlflow.tracing.context(session_id="s-1", user="u-1"),
        mlflow.start_span("root"),
        mlflow.start_span("child"),
    ):
        pass
    attributes = span_attributes(received.span_named("root"))
    assert attributes["mlflow.traceTag.team"] == "briefing"
    assert (attributes["session.id"], attributes["user.id"]) == ("s-1", "u-1")
    assert "session.id" not in span_attributes(received.span_named("child"))


def test_sent_spans_and_tags_are_redacted(store: str, received: ReceivedSpans) -> None:
    address = "ada@example.com"
    with (
        enable_tracing(store),
        record_run({"owner": address}),
        mlflow.tracing.context(session_id=f"of {address}"),
        mlflow.start_span("mailed") as span,
    ):
        span.set_inputs({"to": address})
    assert address.encode() not in b"".join(received.bodies)
    assert "redacted" in span_attributes(received.span_named("mailed"))["mlflow.traceTag.owner"]


def test_trace_attributes_are_redacted_by_the_exporter(received: ReceivedSpans) -> None:
    with standalone_exporter(partial(to_otlp_span, redact_text=str.upper)) as exporter:
        exporter.send(ended_span("root"), {"mlflow.traceTag.owner": "ada"})
    assert span_attributes(received.span_named("root")) == {"MLFLOW.TRACETAG.OWNER": "ADA"}


def test_a_dropped_trace_is_not_sent(store: str, received: ReceivedSpans) -> None:
    with enable_tracing(store, sampling=Sampling(ratio=0.0)):
        with mlflow.start_span("dropped"):
            pass
        with pytest.raises(ValueError, match="kept"), mlflow.start_span("failed"):
            raise ValueError("kept, for it failed")
    assert [span.name for span in received] == ["failed"]


def test_a_bridged_span_is_sent_unchanged(store: str, received: ReceivedSpans) -> None:
    with enable_tracing(store):
        tracer = get_bridged_tracer_provider().get_tracer("another.library")
        link = otel.Link(otel.SpanContext(1, 2, is_remote=True))
        with tracer.start_as_current_span("foreign", links=[link]) as span:
            span.set_attributes({"count": "12", "text": '"quoted"'})
            span.add_event("chunk", {"n": 1})
    sent = received.span_named("foreign")
    assert span_attributes(sent)["count"] == "12"
    assert span_attributes(sent)["text"] == '"quoted"'
    assert [event.name for event in sent.events] == ["chunk"]
    assert [link.span_id for link in sent.links] == [(2).to_bytes(8, "big")]


def test_an_unstorable_text_loses_no_span(received: ReceivedSpans) -> None:
    with standalone_exporter() as exporter:
        exporter.send(
            ended_span(UNSTORABLE, text=UNSTORABLE, **{UNSTORABLE: 1}), {"session.id": UNSTORABLE}
        )
        exporter.send(ended_span("even"), {})
    assert {span.name for span in received} == {REPLACED, "even"}
    assert span_attributes(received.span_named(REPLACED)) == {
        "text": REPLACED,
        REPLACED: 1,
        "session.id": REPLACED,
    }


def test_a_span_that_cannot_be_converted_loses_no_other_span(received: ReceivedSpans) -> None:
    def convert(span: ReadableSpan, trace_attributes: Mapping[str, str]) -> ReadableSpan:
        if span.name == "span 33":
            raise RecursionError
        return to_otlp_span(span, trace_attributes)

    with standalone_exporter(convert) as exporter:
        for i in range(100):
            exporter.send(ended_span(f"span {i}"), {})
    assert {span.name for span in received} == {f"span {i}" for i in range(100) if i != 33}
    assert exporter.stats == DeliveryStats(delivered=99, lost=1, waiting=0)


def test_a_burst_of_10_000_spans_arrives_completely(received: ReceivedSpans) -> None:
    with standalone_exporter() as exporter:
        for i in range(10_000):
            exporter.send(ended_span(f"span {i}"), {})
    assert len({span.span_id for span in received}) == 10_000
    assert exporter.stats == DeliveryStats(delivered=10_000, lost=0, waiting=0)


def test_requests_can_be_compressed(
    store: str, received: ReceivedSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip")
    with enable_tracing(store), mlflow.start_span("packed"):
        pass
    assert [span.name for span in received] == ["packed"]
    assert {headers["content-encoding"] for headers in received.headers} == {"gzip"}


@contextmanager
def standalone_exporter(convert: ToOtlpSpan = to_otlp_span) -> Generator[BatchExporter]:
    """An exporter without MLflow, which would have to store all spans as well."""
    exporter = BatchExporter(OtlpClient, convert, lambda error: None, ExportLimits())
    try:
        yield exporter
    finally:
        exporter.close()


def ended_span(name: str, **attributes: Any) -> ReadableSpan:
    span = TRACER.start_span(name, attributes=attributes)
    span.end()
    assert isinstance(span, ReadableSpan)
    return span
