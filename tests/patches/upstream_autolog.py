"""MLflow's own autolog for AutoGen, on for a block, with the patches under test and no others."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import mlflow
import mlflow.autogen

from patches.patch import Patch, apply_patches


@contextmanager
def use_upstream_autolog(store: str, *patches: Patch) -> Generator[None]:
    """Trace what AutoGen does in the block to `store`, a tracking URI; undone on exit."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store)
    mlflow.set_experiment("autolog")
    mlflow.autogen.autolog(silent=True)
    try:
        with apply_patches(*patches):
            yield
        mlflow.flush_trace_async_logging()
    finally:
        mlflow.autogen.autolog(disable=True, silent=True)
        mlflow.set_tracking_uri(before)


def newest_trace(store: str) -> Any:
    """The newest trace in `store`, an `mlflow.entities.Trace`."""
    client = mlflow.MlflowClient(tracking_uri=store)
    experiment = client.get_experiment_by_name("autolog").experiment_id
    return client.search_traces(locations=[experiment], max_results=1)[0]
