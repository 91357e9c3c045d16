"""Fix the destructor of MLflow's isolated trace id generator, which fails at interpreter exit."""

from contextlib import AbstractContextManager

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block


def _apply() -> AbstractContextManager[None]:
    from mlflow.tracing import provider

    original = provider._IsolatedRandomIdGenerator
    private_generators = provider._private_random_generators

    class FixedIdGenerator(original):  # type: ignore[misc, valid-type] # its base is Any
        def __del__(self) -> None:
            # A local variable, because at interpreter exit the globals of MLflow's module are None.
            private_generators.discard(self._random)

    return replace_for_block(provider, _IsolatedRandomIdGenerator=FixedIdGenerator)


PATCH = Patch(
    name="mlflow.trace_id_generator_destructor",
    symptom="a program ends with \"Exception ignored in: … 'NoneType' object has no attribute"
    " 'remove'\" if MLFLOW_TRACE_USE_ISOLATED_RANDOM_ID_GENERATOR is on",
    upstream="mlflow.tracing.provider._IsolatedRandomIdGenerator.__del__",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="the class has no `__del__`, or one that uses no global of its module",
    canary="tests/instrumentation/test_process_exit.py"
    "::test_upstream_mlflow_exits_cleanly_with_isolated_trace_ids",
    apply=_apply,
    wraps={
        "mlflow.tracing.provider:_IsolatedRandomIdGenerator": "",
        "mlflow.tracing.provider:_IsolatedRandomIdGenerator.__del__": "self",
        "mlflow.tracing.provider:_private_random_generators": "",
    },
)
