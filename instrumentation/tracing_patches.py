"""Guards: the patches that all that is traced passes on its way out of the program."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import httpx

from instrumentation.export.otlp_export import export
from instrumentation.redaction.redaction import DEFAULT, NOTHING, Redaction
from patches.opentelemetry.span_pipeline import Holds, outlet
from patches.patch import Outcome, Patch
from patches.registry import repairs

if TYPE_CHECKING:
    from instrumentation.http_attempts.attempt import Attempt


class Unguarded(RuntimeError):
    """Raised when spans would leave neither redacted nor sampled, because a guard is not on."""


def guards(redaction: Redaction | None, holds: Holds | None = None) -> tuple[Patch, ...]:
    """Redaction, sampling and export. Without redaction, only what no store can hold is mended.

    They go on before a store is chosen and come off after the last flush, for spans that end late.
    """
    guard = redaction or NOTHING
    sent = export(guard.value)  # off last: what is held is sent, too
    return (sent, outlet((guard.of_span,), holds), *guard.patches())


def required(outcomes: Sequence[Outcome]) -> None:
    """Raises `Unguarded` where the outlet is not on: unlike a repair, it can't be left off."""
    for outcome in outcomes:
        if outcome.patch.name == "outlet" and outcome.why_not:
            raise Unguarded(
                "nothing is traced, as it could be neither redacted nor sampled:"
                f" {outcome.why_not}; install what it is for, or say traced(…, redaction=None)"
            )


def every_patch() -> tuple[Patch, ...]:
    """All that `traced` applies, in its order, to be listed and not to be applied."""
    return (*guards(DEFAULT), *repairs(lambda _: None, on_attempt=_attempt))


def _attempt(request: httpx.Request) -> "Attempt":
    from instrumentation.http_attempts.attempt import Attempt  # else a list waits for MLflow

    return Attempt.of(request)
