"""Addresses of traces in MLflow's UI, and the command that starts it."""

from pathlib import Path
from shlex import quote as quote_for_shell
from urllib.parse import quote as quote_for_url

from patches.mlflow.store_address import hide_credentials
from scenarios.trace_store.ui_server import find_running_ui

UI_URL = "http://127.0.0.1:5000"
"""The address at which `make ui` serves MLflow's UI."""


def ui_url(store: str) -> str:
    """The address of MLflow's UI: of a running one, or at which it can be started.

    A store that is a server shows its traces itself.
    """
    if store.startswith("http"):
        return hide_credentials(store, store).rstrip("/")
    return find_running_ui(store) or UI_URL


def show_command(store: str) -> str:
    """The command that serves the UI at `ui_url`; "" if it is running, or the store is a server."""
    if store.startswith("http") or find_running_ui(store):
        return ""
    if (Path(__file__).parents[2] / "Makefile").exists() and store == "sqlite:///mlflow.db":
        return "make ui"
    return f"mlflow server --backend-store-uri {quote_for_shell(hide_credentials(store, store))}"


def trace_page_url(store: str, experiment_id: str, trace_id: str = "") -> str:
    """The page of a trace; without an id, of all traces of an experiment."""
    selection = f"/traces?selectedEvaluationId={trace_id}" if trace_id else ""
    return f"{ui_url(store)}/#/experiments/{experiment_id}{selection}"


def session_page_url(store: str, experiment_id: str, session: str) -> str:
    """The page of a chat session."""
    name = quote_for_url(session, safe="")
    return f"{ui_url(store)}/#/experiments/{experiment_id}/chat-sessions/{name}"
