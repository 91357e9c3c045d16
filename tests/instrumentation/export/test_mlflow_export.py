"""Canaries for MLflow's own OTLP export: when one passes, a patch can be deleted."""

import time
from collections.abc import Generator
from contextlib import contextmanager

import mlflow
import pytest
from mlflow.tracing import get_bridged_tracer_provider

from instrumentation.export.otlp_export import otlp_export_patch
from patches.mlflow.store.experiment import use_experiment
from patches.patch import apply_patches
from tests.instrumentation.export.otlp_receiver import (
    CannedResponse,
    ReceivedSpans,
    run_otlp_receiver,
    set_endpoint,
    span_attributes,
)


@contextmanager
def export_with_upstream_mlflow(
    response: CannedResponse, store: str, patch: pytest.MonkeyPatch, name: str
) -> Generator[ReceivedSpans]:
    """Export with upstream MLflow to a receiver, in an experiment of its own."""
    patch.setenv("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "true")
    patch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    patch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")
    with run_otlp_receiver(response) as received:
        set_endpoint(received.endpoint, patch)
        with use_experiment(store, name):
            yield received
            received.released.set()


@pytest.mark.xfail(raises=AssertionError, reason="BatchProcessor.force_flush takes no timeout")
def test_upstream_mlflow_flushes_within_the_timeout(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with export_with_upstream_mlflow(CannedResponse(delay_s=60), store, monkeypatch, "flush"):
        with mlflow.start_span("work"):
            pass
        started = time.monotonic()
        get_bridged_tracer_provider().force_flush(200)
        duration_s = time.monotonic() - started
    assert duration_s < 2


@pytest.mark.xfail(raises=KeyError, reason="OtelSpanProcessor sends tags without dual export only")
def test_upstream_mlflow_sends_trace_tags_in_dual_export(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with export_with_upstream_mlflow(CannedResponse(), store, monkeypatch, "tags") as received:
        with mlflow.tracing.context(tags={"team": "briefing"}), mlflow.start_span("work"):
            pass
        get_bridged_tracer_provider().force_flush()
        assert span_attributes(received.span_named("work"))["mlflow.traceTag.team"] == "briefing"


def test_the_patch_restores_mlflow(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.tracing import provider
    from mlflow.tracing.processor import otel

    before = otel.OtelSpanProcessor, provider.get_otlp_exporter
    with (
        export_with_upstream_mlflow(CannedResponse(), store, monkeypatch, "undone"),
        apply_patches(otlp_export_patch()) as (outcome,),
    ):
        assert outcome.is_applied
        assert otel.OtelSpanProcessor is not before[0]
    assert (otel.OtelSpanProcessor, provider.get_otlp_exporter) == before


def test_without_dual_export_mlflow_is_not_changed(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracing.processor import otel

    before = otel.OtelSpanProcessor
    monkeypatch.setenv("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "false")
    set_endpoint("http://127.0.0.1:9/v1/traces", monkeypatch)
    with apply_patches(otlp_export_patch()):
        assert otel.OtelSpanProcessor is before
