"""The trace store's address (MLFLOW_TRACKING_URI), and the error if it cannot be reached."""

import os
import socket
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from urllib.parse import urlsplit

from instrumentation.trace.wording import truncate
from patches.mlflow.store.schema_version import explain_newer_schema
from patches.mlflow.store.store_address import hide_credentials
from scenarios.testing.environment_variables import environment_variables

DEFAULT_URI = "sqlite:///mlflow.db"
DEFAULT_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
UNCHECKED_SCHEMES = ("sqlite", "databricks")
TIMEOUT_S = 5.0
MAX_MESSAGE_CHARS = 400
"""A server may answer with a whole page."""
SQLITE_HEADER = b"SQLite format 3\x00"

RETRIES_VARIABLE = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
MAX_RETRIES = "2"
"""MLflow's default is 7 retries, which take four minutes."""


class StoreUnavailableError(Exception):
    """The trace store cannot be used. The message never has the credentials of the URI."""


def tracking_uri(environment: Mapping[str, str] = os.environ) -> str:
    """The store that `MLFLOW_TRACKING_URI` names; by default a SQLite file in this folder."""
    return environment.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def require_reachable(uri: str) -> str:
    """Return the URI if its store answers within seconds; MLflow itself would retry for minutes.

    Raises:
        StoreUnavailableError: The scheme is unknown, nothing answers, or a file is not SQLite.
    """
    scheme = uri.partition(":")[0].partition("+")[0].lower()
    if scheme == "sqlite":
        return _require_sqlite_file(uri)
    if scheme in UNCHECKED_SCHEMES:
        return uri
    hidden = hide_credentials(uri, uri)
    if scheme not in DEFAULT_PORTS:
        known = ", ".join([*UNCHECKED_SCHEMES, *DEFAULT_PORTS])
        found = f"unknown scheme {scheme!r}" if ":" in uri else f"{hidden!r} has no scheme"
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: {found}; expected one of {known}, e.g. {DEFAULT_URI}"
        )
    try:
        parts = urlsplit(hidden)
        host, port = parts.hostname or "localhost", parts.port or DEFAULT_PORTS[scheme]
    except ValueError as error:
        raise StoreUnavailableError(f"MLFLOW_TRACKING_URI: {hidden!r}: {error}") from error
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_S).close()
        if scheme in ("http", "https"):
            _check_health(f"{scheme}://{host}:{port}{parts.path.rstrip('/')}/health")
    except OSError as error:
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: nothing answers at {host}:{port} ({error});"
            f" start it, or unset the variable to use {DEFAULT_URI}"
        ) from error
    return uri


def require_existing(uri: str) -> str:
    """Return the URI of a store that is only read: MLflow would create a missing database.

    Raises:
        StoreUnavailableError: There is no such store yet, or as `require_reachable` raises it.
    """
    scheme, _, name = require_reachable(uri).partition(":///")
    if scheme.startswith("sqlite") and not Path(name).exists():
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: there is no database {name} yet, so it has no traces. To record"
            " your program in it: python -m scenarios trace PROGRAM"
        )
    return uri


def _check_health(url: str) -> None:
    """Raise TimeoutError if a server hangs. Any reply is fine; MLflow will judge it."""
    import httpx  # takes a tenth of a second

    try:
        httpx.head(url, timeout=TIMEOUT_S)
    except httpx.TimeoutException as error:
        raise TimeoutError("timed out") from error
    except httpx.HTTPError:
        pass


def _require_sqlite_file(uri: str) -> str:
    """Return the URI if it names a SQLite file, or a file that does not exist yet."""
    _, has_file, name = uri.partition(":///")
    if not has_file or not name or name == ":memory:":
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: {hide_credentials(uri, uri)!r} names no file;"
            f" expected e.g. {DEFAULT_URI}"
        )
    path = Path(name)
    is_database = path.is_file() and _read_header(path) in (b"", SQLITE_HEADER)
    if path.exists() and not is_database:
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: {name} exists and is not a SQLite database"
        )
    return uri


def _read_header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(SQLITE_HEADER))


@contextmanager
def translate_store_errors() -> Generator[None]:
    """Within the block, raise StoreUnavailableError for any error of MLflow or its database.

    A server's answer may be part of the message, so secrets are removed from it.
    """
    retries = os.environ.get(RETRIES_VARIABLE, MAX_RETRIES)
    try:
        with environment_variables({RETRIES_VARIABLE: retries}):
            yield
    except _store_exceptions() as error:
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: the store cannot be read: {_describe_error(error)}"
        ) from error


def _describe_error(error: Exception) -> str:
    """The first line of an error's message, without secrets and of a readable length."""
    from instrumentation.redaction import DEFAULT_REDACTION  # takes a tenth of a second

    message = explain_newer_schema(error) or str(error)
    first = next(iter(message.strip().splitlines()), type(error).__name__)
    message = DEFAULT_REDACTION.redact_text(hide_credentials(first, tracking_uri()))
    if isinstance(error, JSONDecodeError):
        message = f"a span in it is not JSON ({message})"
    return truncate(message, MAX_MESSAGE_CHARS)


def _store_exceptions() -> tuple[type[Exception], ...]:
    """The exceptions of stores; none if MLflow was never imported, because importing it is slow."""
    if "mlflow" not in sys.modules:
        return ()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, JSONDecodeError
