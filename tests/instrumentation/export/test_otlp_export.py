"""Export: a receiver of OTLP gets each span as it was, in names and values that it can read."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import mlflow
import pytest
from mlflow.tracing import get_bridged_tracer_provider
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from instrumentation.export.otlp_conversion import to_otlp_span
from instrumentation.export.otlp_export import (
    BatchExporter,
    DeliveryStats,
    ExportLimits,
    OtlpClient,
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

HALF, WHOLE = "half \ud83d of a character", "half \ufffd of a character"
TRACER = TracerProvider().get_tracer("another.library")

Dressed = Callable[[ReadableSpan, Mapping[str, str]], ReadableSpan]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReceivedSpans]:
    with run_otlp_receiver() as kept:
        set_endpoint(kept.endpoint, monkeypatch)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        yield kept


def test_a_span_arrives_with_its_ids_its_parent_and_its_times(
    store: str, kept: ReceivedSpans
) -> None:
    with enable_tracing(store), record_run() as run:
        with mlflow.start_span("root"), mlflow.start_span("child"):
            pass
        (trace,) = run.traces()
    assert sorted(span.name for span in kept) == ["child", "root"]
    for span in trace.data.spans:
        sent = kept.span_named(span.name)
        assert f"tr-{sent.trace_id.hex()}" == span.trace_id
        assert sent.span_id.hex() == span.span_id
        assert sent.parent_span_id.hex() == (span.parent_id or "")
        assert sent.start_time_unix_nano == span.start_time_ns
        assert sent.end_time_unix_nano == span.end_time_ns


def test_nothing_is_sent_where_no_receiver_is_named(store: str) -> None:
    with run_otlp_receiver() as kept, enable_tracing(store), mlflow.start_span("alone"):
        pass
    assert not kept.bodies


def test_mlflows_own_store_has_what_was_sent(store: str, kept: ReceivedSpans) -> None:
    with enable_tracing(store), record_run() as run:
        with mlflow.start_span("both"):
            pass
        assert [span.name for span in run.traces()[0].data.spans] == ["both"]
    assert [span.name for span in kept] == ["both"]


def test_an_error_arrives_with_its_sentence_and_its_event(store: str, kept: ReceivedSpans) -> None:
    with (
        enable_tracing(store),
        pytest.raises(ValueError, match="no draft"),
        mlflow.start_span("failed"),
    ):
        raise ValueError("no draft")
    sent = kept.span_named("failed")
    assert (span_status(sent), sent.status.message) == ("ERROR", "ValueError: no draft")
    (event,) = sent.events
    assert event.name == "exception"
    assert "no draft" in {pair.value.string_value for pair in event.attributes}


def test_values_are_plain(store: str, kept: ReceivedSpans) -> None:
    with enable_tracing(store), mlflow.start_span("said") as span:
        span.set_inputs({"question": "How many?"})
        span.set_outputs("Three.")
        span.set_attributes(
            {"flight_recorder.http.attempts": 2, "share": 0.5, "sure": True, "words": ["a", "b"]}
        )
        span.set_attributes({"big": 1 << 70, "nothing": None})
    said = span_attributes(kept.span_named("said"))
    assert (said["flight_recorder.http.attempts"], said["share"], said["sure"]) == (2, 0.5, True)
    assert (said["words"], said["big"]) == (["a", "b"], str(1 << 70))
    assert "nothing" not in said
    assert (said["input.value"], said["input.mime_type"]) == (
        '{"question": "How many?"}',
        "application/json",
    )
    assert (said["output.value"], said["output.mime_type"]) == ("Three.", "text/plain")


def test_a_completion_has_the_names_of_opentelemetry(store: str, kept: ReceivedSpans) -> None:
    reply = {"role": "assistant", "content": "Three."}
    with enable_tracing(store), mlflow.start_span("ask", span_type="LLM") as span:
        span.set_inputs({"messages": [{"role": "user", "content": "How many?"}]})
        span.set_outputs({"choices": [{"message": reply, "finish_reason": "stop"}]})
        span.set_attribute("mlflow.llm.model", "some-model")
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 7, "output_tokens": 2})
    said = span_attributes(kept.span_named("ask"))
    assert said["openinference.span.kind"] == "LLM"
    assert said["gen_ai.request.model"] == "some-model"
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (7, 2)
    assert '"How many?"' in said["gen_ai.input.messages"]
    assert '"Three."' in said["gen_ai.output.messages"]


def test_a_type_of_ours_is_told_and_gets_a_kind_that_others_know(
    store: str, kept: ReceivedSpans
) -> None:
    with enable_tracing(store), mlflow.start_span("a → b", span_type="HANDOFF"):
        pass
    said = span_attributes(kept.span_named("a → b"))
    assert said["mlflow.spanType"] == "HANDOFF"
    assert said["openinference.span.kind"] == "CHAIN"
    assert "gen_ai.operation.name" not in said


def test_tags_session_and_user_of_a_trace_stand_on_its_root(
    store: str, kept: ReceivedSpans
) -> None:
    with (
        enable_tracing(store),
        record_run({"team": "briefing"}),
        mlflow.tracing.context(session_id="s-1", user="u-1"),
        mlflow.start_span("root"),
        mlflow.start_span("child"),
    ):
        pass
    said = span_attributes(kept.span_named("root"))
    assert said["mlflow.traceTag.team"] == "briefing"
    assert (said["session.id"], said["user.id"]) == ("s-1", "u-1")
    assert "session.id" not in span_attributes(kept.span_named("child"))


def test_what_is_sent_has_passed_redaction_its_tags_too(store: str, kept: ReceivedSpans) -> None:
    address = "ada@example.com"
    with (
        enable_tracing(store),
        record_run({"owner": address}),
        mlflow.tracing.context(session_id=f"of {address}"),
        mlflow.start_span("mailed") as span,
    ):
        span.set_inputs({"to": address})
    assert address.encode() not in b"".join(kept.bodies)
    assert "redacted" in span_attributes(kept.span_named("mailed"))["mlflow.traceTag.owner"]


def test_what_is_said_of_a_trace_is_cleaned_by_export_itself(kept: ReceivedSpans) -> None:
    with standalone_exporter(partial(to_otlp_span, redact_text=str.upper)) as courier:
        courier.send(ended_span("root"), {"mlflow.traceTag.owner": "ada"})
    assert span_attributes(kept.span_named("root")) == {"MLFLOW.TRACETAG.OWNER": "ADA"}


def test_a_trace_that_sampling_drops_is_not_sent(store: str, kept: ReceivedSpans) -> None:
    with enable_tracing(store, sampling=Sampling(ratio=0.0)):
        with mlflow.start_span("dropped"):
            pass
        with pytest.raises(ValueError, match="kept"), mlflow.start_span("failed"):
            raise ValueError("kept, for it failed")
    assert [span.name for span in kept] == ["failed"]


def test_a_bridged_span_is_sent_as_it_was_written(store: str, kept: ReceivedSpans) -> None:
    with enable_tracing(store):
        tracer = get_bridged_tracer_provider().get_tracer("another.library")
        link = otel.Link(otel.SpanContext(1, 2, is_remote=True))
        with tracer.start_as_current_span("foreign", links=[link]) as span:
            span.set_attributes({"count": "12", "text": '"quoted"'})
            span.add_event("chunk", {"n": 1})
    sent = kept.span_named("foreign")
    assert span_attributes(sent)["count"] == "12"
    assert span_attributes(sent)["text"] == '"quoted"'
    assert [event.name for event in sent.events] == ["chunk"]
    assert [link.span_id for link in sent.links] == [(2).to_bytes(8, "big")]


def test_what_protobuf_cannot_hold_costs_no_other_span(kept: ReceivedSpans) -> None:
    with standalone_exporter() as courier:
        courier.send(ended_span(HALF, text=HALF, **{HALF: 1}), {"session.id": HALF})
        courier.send(ended_span("even"), {})
    assert {span.name for span in kept} == {WHOLE, "even"}
    assert span_attributes(kept.span_named(WHOLE)) == {"text": WHOLE, WHOLE: 1, "session.id": WHOLE}


def test_a_span_that_cannot_be_told_costs_no_other_span(kept: ReceivedSpans) -> None:
    def told(span: ReadableSpan, said: Mapping[str, str]) -> ReadableSpan:
        if span.name == "span 33":
            raise RecursionError
        return to_otlp_span(span, said)

    with standalone_exporter(told) as courier:
        for i in range(100):
            courier.send(ended_span(f"span {i}"), {})
    assert {span.name for span in kept} == {f"span {i}" for i in range(100) if i != 33}
    assert courier.stats == DeliveryStats(arrived=99, lost=1, waiting=0)


def test_a_burst_of_10_000_spans_arrives_whole(kept: ReceivedSpans) -> None:
    with standalone_exporter() as courier:
        for i in range(10_000):
            courier.send(ended_span(f"span {i}"), {})
    assert len({span.span_id for span in kept}) == 10_000
    assert courier.stats == DeliveryStats(arrived=10_000, lost=0, waiting=0)


def test_what_is_sent_can_be_compressed(
    store: str, kept: ReceivedSpans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip")
    with enable_tracing(store), mlflow.start_span("packed"):
        pass
    assert [span.name for span in kept] == ["packed"]
    assert {headers["content-encoding"] for headers in kept.headers} == {"gzip"}


@contextmanager
def standalone_exporter(told: Dressed = to_otlp_span) -> Generator[BatchExporter]:
    """A courier by itself, without MLflow, which would have to store all of it too."""
    courier = BatchExporter(OtlpClient, told, lambda refused: None, ExportLimits())
    try:
        yield courier
    finally:
        courier.close()


def ended_span(name: str, **attributes: Any) -> ReadableSpan:
    span = TRACER.start_span(name, attributes=attributes)
    span.end()
    assert isinstance(span, ReadableSpan)
    return span
