"""Guards: the patches that all that is traced passes on its way out of the program."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import httpx

from instrumentation.export.otlp_export import otlp_export_patch
from instrumentation.redaction.redaction import DEFAULT_REDACTION, NO_REDACTION, Redaction
from patches.opentelemetry.span_pipeline import TailSampler, span_pipeline_patch
from patches.patch import Patch, PatchOutcome
from patches.registry import builtin_patches

if TYPE_CHECKING:
    from instrumentation.http_attempts.attempt import Attempt


class SpanPipelineError(RuntimeError):
    """Raised when spans would leave neither redacted nor sampled, because a guard is not on."""


def span_pipeline_patches(
    redaction: Redaction | None, tail_sampler: TailSampler | None = None
) -> tuple[Patch, ...]:
    """Redaction, sampling and export. Without redaction, only what no store can hold is mended.

    They go on before a store is chosen and come off after the last flush, for spans that end late.
    """
    guard = redaction or NO_REDACTION
    sent = otlp_export_patch(guard.redact_value)  # off last: what is held is sent, too
    return (sent, span_pipeline_patch((guard.redact_span,), tail_sampler), *guard.patches())


def require_span_pipeline(outcomes: Sequence[PatchOutcome]) -> None:
    """Raises `Unguarded` where the outlet is not on: unlike a repair, it can't be left off."""
    for outcome in outcomes:
        if outcome.patch.name == "outlet" and outcome.skip_reason:
            raise SpanPipelineError(
                "nothing is traced, as it could be neither redacted nor sampled:"
                f" {outcome.skip_reason}; install what it is for, or say traced(…, redaction=None)"
            )


def all_patches() -> tuple[Patch, ...]:
    """All that `traced` applies, in its order, to be listed and not to be applied."""
    return (
        *span_pipeline_patches(DEFAULT_REDACTION),
        *builtin_patches(lambda _: None, on_attempt=_get_attempt),
    )


def _get_attempt(request: httpx.Request) -> "Attempt":
    from instrumentation.http_attempts.attempt import Attempt  # else a list waits for MLflow

    return Attempt.for_request(request)
