"""Our own instrumentation: MLflow's autologging with the patches of this project."""

from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from typing import Any

from integrations.instrumentors.capture import CaptureCase, CapturedTraces
from integrations.programs.case_context import UnsupportedFeatureError

TURN_PATCHES = {"crewai": "crewai.spans_from_events", "autogen": "autogen.turn_spans"}
"""The patch that records a framework's agent turns. Without it a version is not supported."""


@contextmanager
def enable_ours(tracking_uri: str, framework: str) -> Generator[CaptureCase]:
    """Enter `enable_tracing` around all cases, and `record_run` around each.

    Raises:
        UnsupportedFeatureError: The patches do not support these versions.
    """
    try:
        from instrumentation.tracing import enable_tracing
        from instrumentation.tracing_setup.patches import SpanPipelineError
    except ImportError as error:
        raise UnsupportedFeatureError(f"our instrumentation cannot be imported: {error}") from error
    with ExitStack() as stack:
        try:
            tracing = stack.enter_context(
                enable_tracing(tracking_uri, (framework,), experiment="ours")
            )
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

    captured = CapturedTraces()
    with record_run({"case": case}) as run:
        yield captured
    with captured.measure_cpu():
        mlflow.flush_trace_async_logging()
    captured.traces.extend(trace.to_dict() for trace in run.traces())
