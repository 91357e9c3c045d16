"""What a store that does not answer comes to: a sentence, after a short while."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

from scenarios.trace_store.tracking_uri import StoreUnavailableError

RETRIES_VARIABLE = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
MAX_RETRIES = "2"
"""MLflow asks a server seven times more, for four minutes; who asks for an answer has less time."""


@contextmanager
def translate_store_errors() -> Generator[None]:
    """Raises `NoStore` where a store is there, and is none or does not do its work."""
    before = os.environ.get(RETRIES_VARIABLE)
    os.environ.setdefault(RETRIES_VARIABLE, MAX_RETRIES)
    try:
        yield
    except _store_exceptions() as error:
        says = str(error).strip().splitlines()[0]
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: the store cannot be read: {says}"
        ) from error
    finally:
        if before is None:
            del os.environ[RETRIES_VARIABLE]


def _store_exceptions() -> tuple[type[Exception], ...]:
    """What stores raise; nothing where none was asked, for then MLflow has not been loaded, which
    takes three seconds."""
    if "mlflow" not in sys.modules:
        return ()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError
