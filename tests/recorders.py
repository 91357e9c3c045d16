"""A recorder: given a store and an experiment, it turns the recording of crews on for its body."""

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any

import mlflow
import mlflow.crewai

from instrumentation.settings import SETTINGS
from instrumentation.tracing import recorded, traced

Recorder = Callable[[str, str], AbstractContextManager[object]]


@contextmanager
def plain(store: str, experiment: str) -> Generator[None]:
    """`mlflow.crewai.autolog()`, as it comes."""
    mlflow.set_tracking_uri(store)
    mlflow.set_experiment(experiment)
    mlflow.crewai.autolog(silent=True)
    try:
        yield
    finally:
        mlflow.crewai.autolog(disable=True, silent=True)


@contextmanager
def ours(store: str, experiment: str) -> Generator[None]:
    """The same autolog, made whole."""
    with traced(store, experiment, ("crewai",)), recorded():
        yield


@contextmanager
def openinference(store: str, experiment: str) -> Generator[None]:
    """As its documents recommend: the crew by wrappers, its completions by the client's own."""
    instrumentors = _instrumentor("crewai", "CrewAI"), _instrumentor("openai", "OpenAI")
    provider = _bridged(store, experiment)
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=provider)
    try:
        yield
    finally:
        for instrumentor in instrumentors:
            instrumentor.uninstrument()


@contextmanager
def listening(store: str, experiment: str) -> Generator[None]:
    """OpenInference as a listener on CrewAI's event bus, from which it has completions, too."""
    instrumentor = _instrumentor("crewai", "CrewAI")
    provider = _bridged(store, experiment)
    instrumentor.instrument(tracer_provider=provider, use_event_listener=True)
    try:
        yield
    finally:
        instrumentor.uninstrument()


RECORDERS: dict[str, Recorder] = {
    "plain autolog": plain,
    "ours": ours,
    "OpenInference": openinference,
    "OpenInference, listening": listening,
}


def _instrumentor(module: str, name: str) -> Any:
    """One of OpenInference's, which are there in an environment of their own alone."""
    instrumentors = import_module(f"openinference.instrumentation.{module}")
    return getattr(instrumentors, f"{name}Instrumentor")()


def _bridged(store: str, experiment: str) -> Any:
    """MLflow's tracer provider. Its queue is set as ours is, so that the instrumentors differ."""
    os.environ.update(SETTINGS)
    # Else the instrumentor's spans are not beneath those that the workflow opens with MLflow.
    os.environ["MLFLOW_TRACE_PROPAGATE_TO_OTEL_CONTEXT"] = "true"
    mlflow.set_tracking_uri(store)
    mlflow.set_experiment(experiment)
    return mlflow.tracing.get_bridged_tracer_provider()
