"""The outlet: the one place that every finished span passes before anyone stores or sends it.

MLflow shows a span to its own span processors as `LiveSpan.end` ends it. A span that another
library opened in MLflow's tracer provider is ended by OpenTelemetry, past all of them. What every
span and every exporter share is the provider's `on_end`: it is wrapped, in the provider that there
is and in each that MLflow makes later.
"""

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from opentelemetry.sdk.trace import ReadableSpan

from patches.mlflow.pending_spans import discard_span, find_live_span, sync_links
from patches.opentelemetry.finished_span import rewrite_finished_span
from patches.opentelemetry.tracer_providers import hook_tracer_providers
from patches.patch import Patch

WITHHELD_ATTRIBUTE = "flight_recorder.withheld"
"""On a span that left without its contents: the type of the error that a change of it raised."""
STRUCTURAL_ATTRIBUTES = ("mlflow.traceRequestId", "mlflow.experimentId", "mlflow.spanType")
"""The attributes that tell MLflow where a span belongs."""

SpanTransform = Callable[[ReadableSpan], None]
"""Changes a finished span in place, with `patches.opentelemetry.finished_span`."""


@dataclass(frozen=True)
class SpanDisposition:
    """Where a finished span may go: on to the processors of its provider, or nowhere."""

    forward: Callable[[ReadableSpan], None]
    drop: Callable[[ReadableSpan], None] = discard_span


class TailSampler(Protocol):
    """Who says when each finished span goes on, and whether; called by all threads at once."""

    def on_start(self, span: ReadableSpan) -> None:
        """A span has begun, and will end."""

    def on_end(self, span: ReadableSpan, disposition: SpanDisposition) -> None:
        """It has ended: send it on its way now, or keep both and do so later."""

    def close(self) -> None:
        """Send all that is kept on its way; what ends from now on goes at once."""


def span_pipeline_patch(
    transforms: Sequence[SpanTransform] = (), sampler: TailSampler | None = None
) -> Patch:
    """Every finished span passes `changes`, in this order, then `holds`, then the processors.

    A change that raises neither breaks the program nor lets the span's contents out: it leaves
    without them, says so in the attribute `flight_recorder.withheld`, and the first of each type of
    error is logged. Of two outlets, what comes out of the inner block's passes the outer's. On exit
    `holds` is closed, and MLflow's provider is as it was; one that MLflow has replaced meanwhile
    keeps its outlet, for spans that end in it later.
    """
    return Patch(
        name="outlet",
        symptom="a span that another library opened in MLflow's provider passes no span processor",
        upstream="mlflow.entities.span.LiveSpan.end, the only caller of `apply_span_processors`",
        versions={"mlflow": ">=3.17"},
        delete_when="MLflow shows bridged spans to its span processors, with events and status",
        canary="tests/patches/opentelemetry/test_span_pipeline.py::test_mlflow_alone_shows_a_bridged_span_to_its_processors",
        apply=lambda: _apply(SpanPipeline(tuple(transforms), sampler)),
        is_nestable=True,
    )


@contextmanager
def _apply(pipeline: "SpanPipeline") -> Generator[None]:
    try:
        with hook_tracer_providers(pipeline):
            yield
    finally:
        pipeline.close()


@dataclass(frozen=True)
class SpanPipeline:
    """What wraps a provider's `on_start` and `on_end`."""

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
            self.sampler.on_end(span, SpanDisposition(original))

    def close(self) -> None:
        if self.sampler is not None:
            self.sampler.close()

    def _transform(self, given: ReadableSpan) -> ReadableSpan:
        """What goes on in the place of `given`: a copy of the span that MLflow stores, changed."""
        held = find_live_span(given)
        span: Any = given if held is None else held._span
        try:
            for change in self.transforms:
                change(span)
        except (
            Exception
        ) as error:  # whatever it is: no store may see what it left, nor the program it
            self._strip_contents(span, type(error).__name__)
        if held is None:
            return given
        sync_links(held)
        copy: ReadableSpan = span._readable_span()
        return copy

    def _strip_contents(self, span: ReadableSpan, error: str) -> None:
        own = span.attributes or {}
        kept = {key: own[key] for key in STRUCTURAL_ATTRIBUTES if key in own}
        attributes = {**kept, WITHHELD_ATTRIBUTE: error}
        rewrite_finished_span(
            span,
            name="(withheld)",
            attributes=attributes,
            events=(),
            links=(),
            status_description="",
        )
        if error not in self._logged_error_types:
            self._logged_error_types.add(error)
            logging.getLogger(__name__).error(
                "A change of finished spans, which should have redacted them, raised %s: such spans"
                " are stored and sent without their contents, and with the attribute %s.",
                error,
                WITHHELD_ATTRIBUTE,
            )
