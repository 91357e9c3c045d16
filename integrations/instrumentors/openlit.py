"""OpenLIT, enabled with `openlit.init`."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import openlit
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from integrations.instrumentors.capture import CaptureCase
from integrations.instrumentors.framework_telemetry import (
    capture_in_run_span,
    export_global_spans,
)
from integrations.programs.case_context import MODEL

PRICES = {"chat": {MODEL: {"promptPrice": 0.00015, "completionPrice": 0.0006}}, "embeddings": {}}
"""Prices in dollars per 1,000 tokens, in OpenLIT's format. It would download the list otherwise."""


@contextmanager
def enable_openlit(_tracking_uri: str, framework: str) -> Generator[CaptureCase]:
    """Call `openlit.init`, with content capture as by default. MLflow is not used."""
    exporter = InMemorySpanExporter()
    export_global_spans(exporter)
    with TemporaryDirectory() as folder:
        prices = Path(folder) / "prices.json"
        prices.write_text(json.dumps(PRICES))
        openlit.init(disable_metrics=True, disable_events=True, pricing_json=str(prices))
    yield capture_in_run_span(exporter, framework)
