"""OpenInference, bridged to MLflow: its spans go through MLflow's tracer provider to the store."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import mlflow

from integrations.instrumentors.capture import (
    CaptureCase,
    CapturedTraces,
    capture_from_experiment,
)

OPENINFERENCE_INSTRUMENTORS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "crewai": ("crewai", "CrewAIInstrumentor", {"use_event_listener": True}),
    "autogen": ("autogen_agentchat", "AutogenAgentChatInstrumentor", {}),
    "openai": ("openai", "OpenAIInstrumentor", {}),
}
"""For each framework: the module, its instrumentor class, and the settings of that.

CrewAI's instrumentor can listen to events instead of wrapping methods, and records more that way.
With wrappers it needs the client's instrumentor for completions, records no turns of `akickoff`,
loses the turns of a second agent in a hierarchical crew, and records tools with the credentials
that they hold."""


@contextmanager
def enable_openinference(tracking_uri: str, framework: str) -> Generator[CaptureCase]:
    """Enable its instrumentor with `mlflow.tracing.get_bridged_tracer_provider()`."""
    mlflow.set_tracking_uri(tracking_uri)
    # One experiment for all cases: setting another one shuts the bridged provider down.
    experiment_id = mlflow.set_experiment("cases").experiment_id
    provider = mlflow.tracing.get_bridged_tracer_provider()
    module, name, settings = OPENINFERENCE_INSTRUMENTORS[framework]
    instrumentor = getattr(import_module(f"openinference.instrumentation.{module}"), name)
    instrumentor().instrument(tracer_provider=provider, **settings)
    capture = capture_from_experiment(experiment_id)
    yield _flush_events_after(capture) if framework == "crewai" else capture


def _flush_events_after(capture: CaptureCase) -> CaptureCase:
    """Wait for the listeners on CrewAI's event bus, which work in threads of their own."""
    from crewai.events import crewai_event_bus

    @contextmanager
    def capture_and_flush(case: str) -> Generator[CapturedTraces]:
        with capture(case) as captured:
            yield captured
            crewai_event_bus.flush()

    return capture_and_flush
