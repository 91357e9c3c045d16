"""Create a tracing client while its database is down: it connects when it first writes.

MLflow connects when a tracing client is created, at the first span, and tries for more than a
minute. With this patch a client of a database that does not answer connects when it first writes.
"""

from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from patches.mlflow.store.store_address import is_database_reachable
from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block


def _apply() -> AbstractContextManager[None]:
    from mlflow.tracing.client import TracingClient
    from mlflow.tracking._tracking_service.utils import _resolve_tracking_uri

    original = TracingClient.__init__

    @wraps(original)
    def initialise(self: Any, tracking_uri: Any = None, *args: Any, **kwargs: Any) -> None:
        if is_database_reachable(uri := _resolve_tracking_uri(tracking_uri)):
            original(self, tracking_uri, *args, **kwargs)
        else:
            self.tracking_uri = uri

    return replace_for_block(TracingClient, __init__=initialise)


PATCH = Patch(
    name="mlflow.store.connect_on_first_write",
    symptom="if the store's database is down, the first span blocks the program for over a minute",
    upstream="mlflow.tracing.client.TracingClient.__init__, which reads `self.store`",
    versions={"mlflow": ">=3.17,<3.19"},
    delete_when="a tracing client connects to its store when it first uses it",
    canary="tests/patches/mlflow/test_connect_on_first_write.py"
    "::test_upstream_mlflow_creates_a_client_without_a_connection",
    apply=_apply,
    wraps={
        "mlflow.tracing.client:TracingClient.__init__": "self, tracking_uri",
        "mlflow.tracking._tracking_service.utils:_resolve_tracking_uri": "tracking_uri",
    },
)
