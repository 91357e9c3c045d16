"""What a store that does not answer comes to: a sentence, after a short while."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from scenarios.store import NoStore

RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
FEW = "2"
"""MLflow asks a server seven times more, for four minutes; who asks for an answer has less time."""


@contextmanager
def answering() -> Generator[None]:
    """Raises `NoStore` where a store is there, and is none or does not do its work."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    before = os.environ.get(RETRIES)
    os.environ.setdefault(RETRIES, FEW)
    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        says = str(error).strip().splitlines()[0]
        raise NoStore(f"MLFLOW_TRACKING_URI: the store cannot be read: {says}") from error
    finally:
        if before is None:
            del os.environ[RETRIES]
