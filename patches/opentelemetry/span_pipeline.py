"""Pass every finished span through transforms and a tail sampler before it is stored or exported.

MLflow calls its own span processors in `LiveSpan.end`. A span that another library opens in
MLflow's tracer provider is ended by OpenTelemetry and bypasses them. All spans and all exporters
share the provider's `on_end`, so this patch wraps `on_end` of the current provider and of each
provider that MLflow creates later.
"""

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from opentelemetry.sdk.trace import ReadableSpan

from patches.mlflow.tracer_providers import hook_mlflow_tracer_providers
from patches.opentelemetry.finished_span import rewrite_finished_span
from patches.patch import Patch

WITHHELD_ATTRIBUTE = "flight_recorder.withheld"
"""Set on spans that were exported without content; its value is the transform's exception type."""
STRUCTURAL_ATTRIBUTES = ("mlflow.traceRequestId", "mlflow.experimentId", "mlflow.spanType")
"""Attributes that MLflow needs to put a span into its trace."""

SpanTransform = Callable[[ReadableSpan], None]
"""Changes a finished span in place, with `rewrite_finished_span`."""


class TailSampler(Protocol):
    """Decides whether and when each finished span is exported. Must be thread-safe."""

    def on_start(self, span: ReadableSpan) -> None:
        """Handle the start of a span."""

    def on_end(self, span: ReadableSpan, forward: Callable[[ReadableSpan], None]) -> None:
        """Pass a finished span to `forward` or to `discard_span`, now or later."""

    def close(self) -> None:
        """Decide about all pending spans; from now on decide about each span when it ends."""


def span_pipeline_patch(
    transforms: Sequence[SpanTransform] = (), sampler: TailSampler | None = None
) -> Patch:
    """Pass each finished span through `transforms`, in order, then `sampler`, then the processors.

    If a transform raises, the span is exported without its content and with the attribute
    `flight_recorder.withheld`; the program continues, and the first error of each type is logged.
    Nested pipelines chain: the output of the inner one is the input of the outer one.

    On exit the sampler is closed and MLflow's provider is restored. A provider that MLflow has
    replaced in the meantime keeps the pipeline, for spans that end in it later.
    """
    return Patch(
        name="opentelemetry.span_pipeline",
        symptom="spans that other libraries open in MLflow's provider bypass all span processors",
        upstream="mlflow.entities.span.LiveSpan.end, the only caller of `apply_span_processors`",
        versions={"mlflow": ">=3.17,<3.19"},
        delete_when="MLflow passes bridged spans to its span processors, with events and status",
        canary="tests/patches/opentelemetry/test_span_pipeline.py"
        "::test_upstream_mlflow_passes_bridged_spans_to_its_processors",
        apply=lambda: _apply(SpanPipeline(tuple(transforms), sampler)),
        wraps={
            "mlflow.tracing.provider:_TracerProviderWrapper.set": "self, tracer_provider",
            "mlflow.tracing.provider:_initialize_tracer_provider": "",
            "opentelemetry.sdk.trace:Span._readable_span": "self",
            "mlflow.entities.span:LiveSpan": "otel_span, trace_id",
        },
        is_nestable=True,
    )


@contextmanager
def _apply(pipeline: "SpanPipeline") -> Generator[None]:
    try:
        with hook_mlflow_tracer_providers(pipeline):
            yield
    finally:
        pipeline.close()


@dataclass(frozen=True)
class SpanPipeline:
    """The transforms and the sampler, called in place of a provider's `on_start` and `on_end`.

    Both get the provider's own method as `original`, which passes a span to its processors.
    """

    transforms: Sequence[SpanTransform]
    sampler: TailSampler | None
    _logged_error_types: set[str] = field(default_factory=set)

    def on_start(
        self, original: Callable[..., None], span: ReadableSpan, *args: Any, **kw: Any
    ) -> None:
        original(span, *args, **kw)
        if self.sampler is not None:
            self.sampler.on_start(span)

    def on_end(self, original: Callable[[ReadableSpan], None], span: ReadableSpan) -> None:
        if self.transforms:
            span = self._transform(span)
        if self.sampler is None:
            original(span)
        else:
            self.sampler.on_end(span, original)

    def close(self) -> None:
        if self.sampler is not None:
            self.sampler.close()

    def _transform(self, span: ReadableSpan) -> ReadableSpan:
        """Transform the span that MLflow will store, and return a copy of it to be exported."""
        live_span = _find_live_span(span)
        stored_span: Any = span if live_span is None else live_span._span
        try:
            for transform in self.transforms:
                transform(stored_span)
        except Exception as error:
            # Whatever was raised: never export a half-redacted span, never raise into the program.
            self._strip_contents(stored_span, type(error).__name__)
        if live_span is None:
            return span
        _sync_links(live_span)
        copy: ReadableSpan = stored_span._readable_span()
        return copy

    def _strip_contents(self, span: ReadableSpan, error_type: str) -> None:
        attributes = span.attributes or {}
        structure = {key: attributes[key] for key in STRUCTURAL_ATTRIBUTES if key in attributes}
        rewrite_finished_span(
            span,
            name="(withheld)",
            attributes={**structure, WITHHELD_ATTRIBUTE: error_type},
            events=(),
            links=(),
            status_description="",
        )
        if error_type not in self._logged_error_types:
            self._logged_error_types.add(error_type)
            logging.getLogger(__name__).error(
                "A transform of finished spans, such as redaction, raised %s. The affected spans"
                " are stored and exported without their content and with the attribute %s.",
                error_type,
                WITHHELD_ATTRIBUTE,
            )


def _find_live_span(span: ReadableSpan) -> Any:
    """Return MLflow's `LiveSpan` of this span, or None if MLflow has none and will not store it."""
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager = InMemoryTraceManager.get_instance()
    trace_id = manager.get_mlflow_trace_id_from_otel_id(span.context.trace_id)
    span_id = format(span.context.span_id, "016x")
    return trace_id and manager.get_span_from_id(trace_id, span_id)


def _sync_links(live_span: Any) -> None:
    """Copy the links of the OpenTelemetry span to its `LiveSpan`, which stores its own links."""
    from mlflow.entities.span import _link_from_otel_link

    if live_span._links:
        live_span._links = [
            _link_from_otel_link(link, live_span.trace_id) for link in live_span._span.links
        ]


def discard_span(span: ReadableSpan) -> None:
    """Remove a span from MLflow's memory, so that it is not stored.

    With its last span, the trace is removed too.
    """
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    manager = InMemoryTraceManager.get_instance()
    with manager._lock:
        trace_id = manager.get_mlflow_trace_id_from_otel_id(span.context.trace_id)
        trace = manager._traces.get(trace_id)
        if trace is None:
            return
        trace.span_dict.pop(format(span.context.span_id, "016x"), None)
        if not (trace.span_dict or trace.is_remote_trace):
            manager.pop_trace(span.context.trace_id)
