"""New SQLite stores as copies of one, because creating the tables takes seconds."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory


def new_store(folder: Path, name: str = "mlflow.db") -> str:
    """Return the tracking URI of a new, empty store in a folder."""
    (folder / name).write_bytes(_empty_store())
    return f"sqlite:///{folder / name}"


@cache
def _empty_store() -> bytes:
    from patches.mlflow.store.new_sqlite_store import create_sqlite_store  # imports MLflow

    with TemporaryDirectory() as folder:
        file = Path(folder, "empty.db")
        create_sqlite_store(f"sqlite:///{file}")
        return file.read_bytes()
