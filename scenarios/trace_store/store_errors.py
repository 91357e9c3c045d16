"""Report a failing trace store as one `StoreUnavailableError`, after few retries."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

from patches.mlflow.store_address import hide_credentials
from scenarios.trace_store.tracking_uri import StoreUnavailableError, tracking_uri

RETRIES_VARIABLE = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
MAX_RETRIES = "2"
"""MLflow's default is 7 retries, which take four minutes."""


@contextmanager
def translate_store_errors() -> Generator[None]:
    """Within the block, raise StoreUnavailableError for any error of MLflow or its database."""
    before = os.environ.get(RETRIES_VARIABLE)
    os.environ.setdefault(RETRIES_VARIABLE, MAX_RETRIES)
    try:
        yield
    except _store_exceptions() as error:
        message = hide_credentials(str(error).strip().splitlines()[0], tracking_uri())
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: the store cannot be read: {message}"
        ) from error
    finally:
        if before is None:
            del os.environ[RETRIES_VARIABLE]


def _store_exceptions() -> tuple[type[Exception], ...]:
    """The exceptions of stores; none if MLflow was never imported, because importing it is slow."""
    if "mlflow" not in sys.modules:
        return ()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError
