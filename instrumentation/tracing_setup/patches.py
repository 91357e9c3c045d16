"""The patches that `enable_tracing` applies: span redaction, sampling and export, and repairs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from instrumentation.export.otlp_export import otlp_export_patch
from instrumentation.redaction.redaction import DEFAULT_REDACTION, NO_REDACTION, Redaction
from patches.opentelemetry.span_pipeline import TailSampler, span_pipeline_patch
from patches.patch import Patch, PatchOutcome
from patches.registry import FRAMEWORKS, client_patches, framework_patches, mlflow_patches

if TYPE_CHECKING:
    import httpx


class SpanPipelineError(RuntimeError):
    """Tracing was refused, because spans could be neither redacted nor sampled."""


def span_pipeline_patches(
    redaction: Redaction | None, tail_sampler: TailSampler | None = None
) -> tuple[Patch, ...]:
    """The patches that each span passes on its way out: redaction, sampling and OTLP export.

    Without redaction, only text that no store accepts is replaced. These patches are applied before
    a store is chosen, and undone after the last flush, for the sake of spans that end late.
    """
    redactor = redaction or NO_REDACTION
    export = otlp_export_patch(redactor.redact_value)  # undone last, so that held spans are sent
    return (export, span_pipeline_patch((redactor.redact_span,), tail_sampler), *redactor.patches())


def require_span_pipeline(outcomes: Sequence[PatchOutcome]) -> None:
    """Check that the span pipeline was applied; unlike a repair, it is not optional.

    Raises:
        SpanPipelineError: It was not applied.
    """
    name = span_pipeline_patch().name
    for outcome in outcomes:
        if outcome.patch.name == name and outcome.skip_reason:
            raise SpanPipelineError(
                "tracing was not enabled, because spans could be neither redacted nor sampled:"
                f" {outcome.skip_reason}; install a supported version, or call"
                " enable_tracing(…, redaction=None)"
            )


def all_patches() -> tuple[Patch, ...]:
    """All patches: those of `enable_tracing` in their order, and those of `record` and `replay`.

    For listings: do not apply them.
    """

    def start_attempt(request: "httpx.Request") -> Any:
        from instrumentation.http_attempts.failed_attempt import Attempt  # imports MLflow: slow

        return Attempt.for_request(request)

    return (
        *span_pipeline_patches(DEFAULT_REDACTION),
        *mlflow_patches(start_attempt),
        *(patch for name in FRAMEWORKS for patch in framework_patches(name, lambda _: None)),
        *client_patches(),
    )
