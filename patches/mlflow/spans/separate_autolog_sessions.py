"""Give each traced call its own autologging session, so that one failure does not stop the rest.

MLflow has one autologging session per process. A call that raises marks the session as failed, and
until the outermost call returns, no autologged call is recorded: not the retry, not the work that
follows a handled tool error, not a concurrent run. The trace still has the status OK. This suits
model training (a failed fit logs no more metrics), but not tracing.
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any
from uuid import uuid4

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block

SESSION_MANAGER = "mlflow.utils.autologging_utils.safety:_AutologgingSessionManager"


def _apply() -> AbstractContextManager[None]:
    from mlflow.ml_package_versions import GENAI_FLAVOR_TO_MODULE_NAME
    from mlflow.utils.autologging_utils.safety import AutologgingSession, _AutologgingSessionManager

    manager: Any = _AutologgingSessionManager
    start, astart = manager.start_session, manager.astart_session

    def choose_session(flavor: str, shared: Any) -> Any:
        """Return a session of its own for a tracing flavor, and the shared one otherwise."""
        is_tracing = flavor in GENAI_FLAVOR_TO_MODULE_NAME
        return AutologgingSession(flavor, uuid4().hex) if is_tracing else shared

    @contextmanager
    def start_session(cls: type, integration: str, *args: Any, **kwargs: Any) -> Generator[Any]:
        with start(integration, *args, **kwargs) as shared:
            yield choose_session(integration, shared)

    @asynccontextmanager
    async def astart_session(
        cls: type, integration: str, *args: Any, **kwargs: Any
    ) -> AsyncGenerator[Any]:
        async with astart(integration, *args, **kwargs) as shared:
            yield choose_session(integration, shared)

    return replace_for_block(
        manager,
        start_session=classmethod(start_session),
        astart_session=classmethod(astart_session),
    )


PATCH = Patch(
    name="mlflow.spans.separate_autolog_sessions",
    symptom="after an autologged call has raised, the rest of the outer call is not recorded",
    upstream="mlflow.utils.autologging_utils.safety.safe_patch (`active_session_failed`)",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="a handled error no longer stops the recording of later spans",
    canary="tests/patches/mlflow/test_separate_autolog_sessions.py"
    "::test_upstream_autolog_records_calls_after_a_handled_error",
    apply=_apply,
    wraps={
        f"{SESSION_MANAGER}.start_session": "cls, integration",
        f"{SESSION_MANAGER}.astart_session": "cls, integration",
        "mlflow.utils.autologging_utils.safety:AutologgingSession": "integration, id_",
    },
)
