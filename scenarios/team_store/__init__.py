"""The team's store: an MLflow server on PostgreSQL, on this machine, which many processes share."""

from scenarios.team_store.mlflow_server import Server
from scenarios.team_store.postgres import Postgres
from scenarios.team_store.store_folder import Folder, NotStarted

__all__ = ["Folder", "NotStarted", "Postgres", "Server"]
