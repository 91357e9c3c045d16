"""Let `mlflow.crewai.autolog()` turn on without wrapping any CrewAI method.

The autologging of MLflow 3.17 fails because it imports a module that CrewAI has removed. While
autologging is on, `spans_from_events.py` records spans.
"""

from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block


def _apply() -> AbstractContextManager[None]:
    import mlflow.crewai as autolog

    @wraps(autolog._apply_patches)
    def wrap_nothing(*_: Any, **__: Any) -> None: ...

    return replace_for_block(autolog, _apply_patches=wrap_nothing)


PATCH = Patch(
    name="crewai.disable_autolog_wrappers",
    symptom=(
        "mlflow.crewai.autolog() logs an error (No module named"
        " 'crewai.agents.crew_agent_executor') and then records nothing"
    ),
    upstream="mlflow.crewai.autolog (mlflow/crewai/__init__.py)",
    versions={"mlflow": ">=3.17,<3.18", "crewai": ">=1.15.29,<1.16"},
    delete_when="MLflow 3.17 is no longer supported",
    canary="tests/patches/crewai/test_autolog.py::test_upstream_autolog_turns_on_without_an_error",
    apply=_apply,
    wraps={"mlflow.crewai:_apply_patches": "target_map, resolver, patch_fn"},
    fixed_in={"mlflow": ">=3.18"},
)
