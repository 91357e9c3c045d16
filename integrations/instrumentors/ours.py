"""Ours: the same autologging, made whole by the house."""

from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from typing import Any

from integrations.instrumentors.capture import CaptureCase, CapturedTraces
from integrations.programs.case_context import UnsupportedFeatureError

TURN_PATCHES = {"crewai": "crewai.event_bus", "autogen": "autogen.turn_spans"}
"""The patch without which ours is not there for a framework: it records the agents' turns."""


@contextmanager
def enable_ours(store: str, framework: str) -> Generator[CaptureCase]:
    """`traced`, around all cases, and `recorded` around each.

    Raises `NotHere` with versions that it does not mend.
    """
    try:
        from instrumentation.tracing import enable_tracing
        from instrumentation.tracing_patches import SpanPipelineError
    except ImportError as missing:
        raise UnsupportedFeatureError(
            f"our instrumentation cannot be imported: {missing}"
        ) from missing
    with ExitStack() as stack:
        try:
            tracing = stack.enter_context(enable_tracing(store, (framework,), experiment="ours"))
        except SpanPipelineError as error:
            raise UnsupportedFeatureError(str(error)) from error
        _require_patch(tracing.patch_outcomes, TURN_PATCHES.get(framework, ""))
        yield _capture_run


def _require_patch(outcomes: Iterable[Any], name: str) -> None:
    for outcome in outcomes:
        if outcome.patch.name == name and outcome.skip_reason:
            raise UnsupportedFeatureError(outcome.skip_reason)


@contextmanager
def _capture_run(case: str) -> Generator[CapturedTraces]:
    import mlflow

    from instrumentation.tracing import record_run

    left = CapturedTraces()
    with record_run({"case": case}) as run:
        yield left
    with left.measure_cpu():
        mlflow.flush_trace_async_logging()
    left.traces.extend(trace.to_dict() for trace in run.traces())
