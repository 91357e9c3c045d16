"""Autologging that goes on after a failed call.

MLflow keeps one autologging session for the whole process. A call that raises marks it as failed,
and until the outermost call returns, no autologged call is recorded any more: not the retry, nor
what a handled tool error leads to, nor another run that happens at the same time. The traces still
say OK. For training that is meant (a failed fit should log no more metrics); for tracing it is not.
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import uuid4

from patches.patch import Patch


@contextmanager
def _apply() -> Generator[None]:
    from mlflow.ml_package_versions import GENAI_FLAVOR_TO_MODULE_NAME
    from mlflow.utils.autologging_utils.safety import AutologgingSession, _AutologgingSessionManager

    manager: Any = _AutologgingSessionManager
    own = {name: manager.__dict__[name] for name in ("start_session", "astart_session")}
    start, astart = manager.start_session, manager.astart_session

    def private(flavor: str, shared: Any) -> Any:
        """A session that may fail alone, for a flavor that traces; else the shared one."""
        traces = flavor in GENAI_FLAVOR_TO_MODULE_NAME
        return AutologgingSession(flavor, uuid4().hex) if traces else shared

    @contextmanager
    def start_session(cls: type, integration: str) -> Generator[Any]:
        with start(integration) as shared:
            yield private(integration, shared)

    @asynccontextmanager
    async def astart_session(cls: type, integration: str) -> AsyncGenerator[Any]:
        async with astart(integration) as shared:
            yield private(integration, shared)

    manager.start_session = classmethod(start_session)
    manager.astart_session = classmethod(astart_session)
    try:
        yield
    finally:
        for name, method in own.items():
            setattr(manager, name, method)


PATCH = Patch(
    name="autolog_blindness",
    symptom="once an autologged call has raised, the rest of the outer call is not recorded",
    upstream="mlflow.utils.autologging_utils.safety.safe_patch (`active_session_failed`)",
    versions={"mlflow": ">=3.17"},
    delete_when="a failed and handled call no longer stops the spans that follow it",
    canary="tests/patches/mlflow/test_autolog_after_errors.py::test_autolog_alone_sees_what_follows_a_handled_error",
    apply=_apply,
)
