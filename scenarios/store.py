"""A store: where traces go, and whether it is there."""

import os
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

DEFAULT = "sqlite:///mlflow.db"
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
UNCHECKED = ("sqlite", "databricks")
PATIENCE_S = 5.0


class NoStore(Exception):
    """Raised when traces have nowhere to go; its text never holds the credentials of the URI."""


def tracking_uri(environment: Mapping[str, str] = os.environ) -> str:
    """The store that `MLFLOW_TRACKING_URI` names; by default a SQLite file in this folder."""
    return environment.get("MLFLOW_TRACKING_URI") or DEFAULT


def reachable(uri: str) -> str:
    """The URI itself, if its store can be reached. MLflow would try for many minutes."""
    parts = urlsplit(uri)
    kind = parts.scheme.partition("+")[0]
    if kind in UNCHECKED:
        return uri
    if kind not in PORTS:
        known = ", ".join([*UNCHECKED, *PORTS])
        raise NoStore(f"MLFLOW_TRACKING_URI: a store of kind {kind!r} keeps no traces; {known} do")
    try:
        host, port = parts.hostname or "localhost", parts.port or PORTS[kind]
    except ValueError as error:
        raise NoStore(f"MLFLOW_TRACKING_URI: {error}") from error
    try:
        socket.create_connection((host, port), timeout=PATIENCE_S).close()
    except OSError as error:
        raise NoStore(
            f"MLFLOW_TRACKING_URI: nothing answers at {host}:{port} ({error});"
            f" start it, or unset the variable and use {DEFAULT}"
        ) from error
    return uri
