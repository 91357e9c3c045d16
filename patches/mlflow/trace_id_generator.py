"""The ids of traces: drawn from a generator of MLflow's own, which may be dropped at any time."""

from collections.abc import Generator
from contextlib import contextmanager

from patches.patch import Patch


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.tracing import provider

    original = provider._IsolatedRandomIdGenerator
    seeded_in_children = provider._private_random_generators

    class Generators(original):  # type: ignore[misc, valid-type] # its base is Any
        def __del__(self) -> None:
            # At the end of the interpreter the names of MLflow's module are None already.
            seeded_in_children.discard(self._random)

    provider._IsolatedRandomIdGenerator = Generators
    try:
        yield
    finally:
        provider._IsolatedRandomIdGenerator = original


PATCH = Patch(
    name="trace_ids",
    symptom="a program ends with \"Exception ignored in: … 'NoneType' object has no attribute"
    " 'remove'\", where MLFLOW_TRACE_USE_ISOLATED_RANDOM_ID_GENERATOR is on",
    upstream="mlflow.tracing.provider._IsolatedRandomIdGenerator.__del__",
    versions={"mlflow": ">=3.17"},
    delete_when="it has no `__del__`, or one that needs no name of its module",
    canary="tests/instrumentation/test_process_exit.py::test_upstream_mlflow_exits_cleanly_with_isolated_trace_ids",
    apply=_apply,
)
