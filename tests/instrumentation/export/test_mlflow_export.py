"""What MLflow's own export lacks, as long as it does: when one of these passes, a patch can go."""

import time
from collections.abc import Generator
from contextlib import contextmanager

import mlflow
import pytest
from mlflow.tracing import get_bridged_tracer_provider

from instrumentation.export.otlp_export import otlp_export_patch
from patches.mlflow.experiment import use_experiment
from patches.patch import apply_patches
from tests.instrumentation.export.otlp_receiver import (
    CannedResponse,
    ReceivedSpans,
    run_otlp_receiver,
    set_endpoint,
    span_attributes,
)


@contextmanager
def exporting(
    answer: CannedResponse, store: str, patch: pytest.MonkeyPatch, name: str
) -> Generator[ReceivedSpans]:
    """MLflow alone, in dual export to a receiver, in an experiment of its own."""
    patch.setenv("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "true")
    patch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    patch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")
    with run_otlp_receiver(answer) as kept:
        set_endpoint(kept.endpoint, patch)
        with use_experiment(store, name):
            yield kept
            kept.released.set()


@pytest.mark.xfail(raises=AssertionError, reason="BatchProcessor.force_flush takes no timeout")
def test_mlflow_alone_flushes_in_the_time_it_was_given(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with exporting(CannedResponse(delay_s=60), store, monkeypatch, "flush"):
        with mlflow.start_span("work"):
            pass
        began = time.monotonic()
        get_bridged_tracer_provider().force_flush(200)
        took_s = time.monotonic() - began
    assert took_s < 2


@pytest.mark.xfail(raises=KeyError, reason="OtelSpanProcessor sends tags without dual export only")
def test_mlflow_alone_sends_the_tags_of_a_trace_in_dual_export(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with exporting(CannedResponse(), store, monkeypatch, "tags") as kept:
        with mlflow.tracing.context(tags={"team": "briefing"}), mlflow.start_span("work"):
            pass
        get_bridged_tracer_provider().force_flush()
        assert span_attributes(kept.span_named("work"))["mlflow.traceTag.team"] == "briefing"


def test_the_patch_leaves_mlflow_as_it_was(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.tracing import provider
    from mlflow.tracing.processor import otel

    before = otel.OtelSpanProcessor, provider.get_otlp_exporter
    with (
        exporting(CannedResponse(), store, monkeypatch, "undone"),
        apply_patches(otlp_export_patch()) as (outcome,),
    ):
        assert outcome.is_applied
        assert otel.OtelSpanProcessor is not before[0]
    assert (otel.OtelSpanProcessor, provider.get_otlp_exporter) == before


def test_without_dual_export_mlflow_exports_as_ever(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracing.processor import otel

    before = otel.OtelSpanProcessor
    monkeypatch.setenv("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "false")
    set_endpoint("http://127.0.0.1:9/v1/traces", monkeypatch)
    with apply_patches(otlp_export_patch()):
        assert otel.OtelSpanProcessor is before
