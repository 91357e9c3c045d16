"""Create the file of a SQLite store completely or not at all.

MLflow creates the tables in some fifty steps, which take seconds. After Ctrl-C in the middle the
store can be neither used nor migrated: "table … already exists".
"""

from pathlib import Path


def create_sqlite_store(tracking_uri: str) -> None:
    """Create the tables of a SQLite store in a temporary file, which then gets its name.

    Does nothing for other stores, and for a file that exists. Call it with a lock of the store.
    """
    scheme, has_file, name = tracking_uri.partition(":///")
    if not has_file or scheme.partition("+")[0] != "sqlite" or not name or "?" in name:
        return
    file = Path(name)
    if name == ":memory:" or file.exists() or not file.parent.is_dir():
        return
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine_with_retry

    temporary = file.with_name(f".{file.name}.new")
    temporary.unlink(missing_ok=True)
    engine = create_sqlalchemy_engine_with_retry(f"{scheme}:///{temporary}")
    try:
        _initialize_tables(engine)
        engine.dispose()
        temporary.replace(file)
    finally:
        engine.dispose()
        temporary.unlink(missing_ok=True)
