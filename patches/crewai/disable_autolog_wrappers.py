"""Autologging of CrewAI that turns on: MLflow's looks for a module that CrewAI no longer has.

What it would wrap, had it found all of it, dumps whole agents and crews into each span, and knows
neither asynchronous runs nor the native LLM classes. So it is kept from wrapping anything; the
spans are made of CrewAI's own events (see crewai_events.py), while autologging is on.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from patches.patch import Patch


@contextmanager
def _apply() -> Generator[None]:
    import mlflow.crewai as autolog

    def wraps_nothing(*_: Any) -> None: ...

    original = autolog._apply_patches
    autolog._apply_patches = wraps_nothing
    try:
        yield
    finally:
        autolog._apply_patches = original


PATCH = Patch(
    name="crewai_autolog",
    symptom=(
        "mlflow.crewai.autolog() logs an error (No module named"
        " 'crewai.agents.crew_agent_executor'), and then records nothing"
    ),
    upstream="mlflow.crewai.autolog (mlflow/crewai/__init__.py)",
    versions={"mlflow": ">=3.17,<4", "crewai": ">=1.15.29,<1.16"},
    delete_when="autolog() turns on without an error, and its spans hold no dumped objects",
    canary="tests/patches/crewai/test_autolog.py::test_autolog_alone_turns_on_without_an_error",
    apply=_apply,
)
