"""Statistics: what SQLite must have counted in a store to find the spans of a trace quickly.

Since MLflow looks for spans trace by trace (mlflow#24377), SQLite without statistics reads for each
trace all spans of its experiment: 20 s over 500 traces, and 15 ms with them. MLflow has none made.
"""

import sqlite3
from pathlib import Path

from scenarios.trace_store.tracking_uri import tracking_uri

MAX_ROWS_PER_INDEX = 1000
"""How many rows of an index are looked at, however many there are."""
LOCK_TIMEOUT_S = 1.0


def update_statistics(tracking_uri: str) -> bool:
    """Have a store in a SQLite file counted, for good; of any other, nothing is to be done.

    False where it could not be: somebody else is writing, or may write alone, or it is none.
    """
    kind, is_file, file = tracking_uri.partition(":///")
    if not is_file or kind.partition("+")[0] != "sqlite":
        return True
    if not Path(file).is_file():
        return False
    database = sqlite3.connect(file, timeout=LOCK_TIMEOUT_S)
    try:
        database.execute(f"PRAGMA analysis_limit = {MAX_ROWS_PER_INDEX}")
        database.execute("ANALYZE")
        database.commit()
    except sqlite3.DatabaseError:
        return False
    finally:
        database.close()
    return True


def main() -> None:
    """Have the store that MLFLOW_TRACKING_URI names counted, as `make ui` does at first."""
    update_statistics(tracking_uri())


if __name__ == "__main__":
    main()
