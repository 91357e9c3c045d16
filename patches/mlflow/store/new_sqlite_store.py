"""Create the tables of a new SQLite store, once for all processes and as a whole.

MLflow creates them in some fifty steps, which take seconds, and without a lock. If two processes
start at once, one of them fails with "table … already exists". After Ctrl-C in the middle the store
can be neither used nor migrated, with the same message.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir


@contextmanager
def lock_store(tracking_uri: str) -> Generator[None]:
    """Keep other processes of this user from setting up the same store; does nothing on Windows.

    A server locks its store itself, and one process must not wait for another while it is down.
    """
    if os.name == "nt" or tracking_uri.startswith("http"):
        yield
        return
    from mlflow.utils.file_utils import ExclusiveFileLock

    # A digest, because the URI may contain a password.
    store = sha256(tracking_uri.encode()).hexdigest()[:16]
    with ExclusiveFileLock(str(Path(gettempdir(), f"flight-store-{os.getuid()}-{store}.lock"))):
        yield


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
