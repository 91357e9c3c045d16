"""A store for a team: an MLflow server on PostgreSQL, on this machine, for many processes."""

from scenarios.traces.team_store.mlflow_server import MlflowServer
from scenarios.traces.team_store.postgres import PostgresServer
from scenarios.traces.team_store.store_folder import StoreFolder, TeamStoreError

__all__ = ["MlflowServer", "PostgresServer", "StoreFolder", "TeamStoreError"]
