"""Record AutoGen with MLflow's own autologging and only the patches under test."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import mlflow
import mlflow.autogen

from patches.patch import Patch, apply_patches


@contextmanager
def use_upstream_autolog(store: str, *patches: Patch) -> Generator[None]:
    """Record AutoGen during the block in `store`, a tracking URI."""
    previous_uri = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store)
    mlflow.set_experiment("autolog")
    mlflow.autogen.autolog(silent=True)
    try:
        with apply_patches(*patches):
            yield
        mlflow.flush_trace_async_logging()
    finally:
        mlflow.autogen.autolog(disable=True, silent=True)
        mlflow.set_tracking_uri(previous_uri)


def newest_trace(store: str) -> Any:
    """Return the newest `mlflow.entities.Trace` in `store`."""
    client = mlflow.MlflowClient(tracking_uri=store)
    experiment = client.get_experiment_by_name("autolog").experiment_id
    return client.search_traces(locations=[experiment], max_results=1)[0]
