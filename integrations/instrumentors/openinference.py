"""OpenInference, bridged to MLflow: its spans go through MLflow's tracer provider to its store."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import mlflow

from integrations.instrumentors.capture import CaptureCase, CapturedTraces, capture_from_experiment

OPENINFERENCE_INSTRUMENTORS: dict[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "crewai": (("crewai", "CrewAIInstrumentor", {"use_event_listener": True}),),
    "autogen": (("autogen_agentchat", "AutogenAgentChatInstrumentor", {}),),
    "openai": (("openai", "OpenAIInstrumentor", {}),),
}
"""For each framework, the modules, their instrumentors and what these are told.

CrewAI's can listen to its events instead of wrapping its methods, and tells more so: with wrappers,
which need the client's instrumentor for completions, `akickoff` leaves no turns, a second agent's
are lost in a hierarchy, and tools are recorded with the credentials that they hold."""


@contextmanager
def enable_openinference(store: str, framework: str) -> Generator[CaptureCase]:
    """Its instrumentors of the framework, with `mlflow.tracing.get_bridged_tracer_provider()`."""
    mlflow.set_tracking_uri(store)
    # Not one for each case: whoever sets another shuts down the provider that is bridged to.
    where = mlflow.set_experiment("cases").experiment_id
    provider = mlflow.tracing.get_bridged_tracer_provider()
    for module, name, settings in OPENINFERENCE_INSTRUMENTORS[framework]:
        instrumentors = import_module(f"openinference.instrumentation.{module}")
        getattr(instrumentors, name)().instrument(tracer_provider=provider, **settings)
    yield (
        _flush_events_after(capture_from_experiment(where))
        if framework == "crewai"
        else capture_from_experiment(where)
    )


def _flush_events_after(capture: CaptureCase) -> CaptureCase:
    """Listeners on CrewAI's event bus work in threads of their own: wait until all have heard."""
    from crewai.events import crewai_event_bus

    @contextmanager
    def capture_and_flush(case: str) -> Generator[CapturedTraces]:
        with capture(case) as left:
            yield left
            crewai_event_bus.flush()

    return capture_and_flush
