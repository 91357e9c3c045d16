"""What MLflow's own export lacks, as long as it does: when one of these passes, a patch can go."""

import time
from collections.abc import Generator
from contextlib import contextmanager

import mlflow
import pytest
from mlflow.tracing import get_bridged_tracer_provider

from instrumentation.export.otlp_export import export
from patches.mlflow.experiment import experiment
from patches.patch import applied
from tests.instrumentation.export.otlp_receiver import Answer, Kept, attributes, named, receiving


@contextmanager
def exporting(answer: Answer, store: str, patch: pytest.MonkeyPatch, name: str) -> Generator[Kept]:
    """MLflow alone, in dual export to a receiver, in an experiment of its own."""
    patch.setenv("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "true")
    patch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    patch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")
    with receiving(answer) as kept:
        named(kept.endpoint, patch)
        with experiment(store, name):
            yield kept
            kept.released.set()


@pytest.mark.xfail(raises=AssertionError, reason="BatchProcessor.force_flush takes no timeout")
def test_mlflow_alone_flushes_in_the_time_it_was_given(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with exporting(Answer(after_s=60), store, monkeypatch, "flush"):
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
    with exporting(Answer(), store, monkeypatch, "tags") as kept:
        with mlflow.tracing.context(tags={"team": "briefing"}), mlflow.start_span("work"):
            pass
        get_bridged_tracer_provider().force_flush()
        assert attributes(kept.named("work"))["mlflow.traceTag.team"] == "briefing"


def test_the_patch_leaves_mlflow_as_it_was(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.tracing import provider
    from mlflow.tracing.processor import otel

    before = otel.OtelSpanProcessor, provider.get_otlp_exporter
    with exporting(Answer(), store, monkeypatch, "undone"), applied(export()) as (outcome,):
        assert outcome.applied
        assert otel.OtelSpanProcessor is not before[0]
    assert (otel.OtelSpanProcessor, provider.get_otlp_exporter) == before


def test_without_dual_export_mlflow_exports_as_ever(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracing.processor import otel

    before = otel.OtelSpanProcessor
    monkeypatch.setenv("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "false")
    named("http://127.0.0.1:9/v1/traces", monkeypatch)
    with applied(export()):
        assert otel.OtelSpanProcessor is before
