"""OpenLIT, as `openlit.init` turns it on."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import openlit
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from integrations.instrumentors.capture import Around
from integrations.instrumentors.framework_telemetry import global_spans, in_run
from integrations.programs.case_context import MODEL

PRICES = {"chat": {MODEL: {"promptPrice": 0.00015, "completionPrice": 0.0006}}, "embeddings": {}}
"""Dollars a thousand tokens, in its own form: it would fetch the whole list from the network."""


@contextmanager
def openlit_init(store: str, framework: str) -> Generator[Around]:
    """Its spans go to the tracer provider that is there, with content, as it comes."""
    exporter = InMemorySpanExporter()
    global_spans(exporter)
    with TemporaryDirectory() as folder:
        prices = Path(folder) / "prices.json"
        prices.write_text(json.dumps(PRICES))
        openlit.init(disable_metrics=True, disable_events=True, pricing_json=str(prices))
    yield in_run(exporter, framework)
