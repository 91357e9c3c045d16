"""A store: where traces go, and whether it is there."""

import os
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_URI = "sqlite:///mlflow.db"
DEFAULT_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
UNCHECKED_SCHEMES = ("sqlite", "databricks")
TIMEOUT_S = 5.0
SQLITE_HEADER = b"SQLite format 3\x00"


class StoreUnavailableError(Exception):
    """Raised when traces have nowhere to go; its text never holds the credentials of the URI."""


def tracking_uri(environment: Mapping[str, str] = os.environ) -> str:
    """The store that `MLFLOW_TRACKING_URI` names; by default a SQLite file in this folder."""
    return environment.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def is_server() -> bool:
    """Whether the store is a server, which shows its traces itself."""
    return tracking_uri().startswith("http")


def strip_credentials(uri: str) -> str:
    """An address as it may be shown."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def require_reachable(uri: str) -> str:
    """The URI itself, if its store can be reached. MLflow would try for many minutes."""
    parts = urlsplit(uri)
    kind = parts.scheme.partition("+")[0]
    if kind == "sqlite":
        return _require_sqlite_file(uri)
    if kind in UNCHECKED_SCHEMES:
        return uri
    if kind not in DEFAULT_PORTS:
        known = ", ".join([*UNCHECKED_SCHEMES, *DEFAULT_PORTS])
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: a store of kind {kind!r} keeps no traces; {known} do"
        )
    try:
        host, port = parts.hostname or "localhost", parts.port or DEFAULT_PORTS[kind]
    except ValueError as error:
        raise StoreUnavailableError(f"MLFLOW_TRACKING_URI: {error}") from error
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_S).close()
        if kind in ("http", "https"):
            _check_health(f"{kind}://{host}:{port}{parts.path.rstrip('/')}/health")
    except OSError as error:
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: nothing answers at {host}:{port} ({error});"
            f" start it, or unset the variable and use {DEFAULT_URI}"
        ) from error
    return uri


def _check_health(url: str) -> None:
    """Raises `TimeoutError` where a server hangs. What it says, and to whom, MLflow will see."""
    try:
        with suppress(HTTPException):
            urllib.request.urlopen(url, timeout=TIMEOUT_S).close()
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise error.reason from error
    except ConnectionError:
        pass


def _require_sqlite_file(uri: str) -> str:
    """A SQLite store is a file, whose folder may be made, and which nothing else has written."""
    _, found, name = uri.partition(":///")
    if not found or not name or name == ":memory:":
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: {uri!r} names no file; for instance {DEFAULT_URI}"
        )
    path = Path(name)
    if path.is_dir() or (path.is_file() and _read_header(path) not in (b"", SQLITE_HEADER)):
        raise StoreUnavailableError(
            f"MLFLOW_TRACKING_URI: {name} is there, and is no SQLite database"
        )
    return uri


def _read_header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(SQLITE_HEADER))
