"""The team's store: an MLflow server on PostgreSQL, on this machine, which many processes share."""

from scenarios.team_store.folder import Folder, NotStarted
from scenarios.team_store.postgres import Postgres
from scenarios.team_store.server import Server

__all__ = ["Folder", "NotStarted", "Postgres", "Server"]
