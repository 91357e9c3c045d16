"""Say that a database was written by a newer MLflow than the installed one.

MLflow calls any other schema than its own "out-of-date", and advises to migrate the database: that
is right for an older one only.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager

FOUND_VERSION = re.compile(r"database schema \(found version (?!None\b)(\w+)")


def explain_newer_schema(error: object) -> str | None:
    """Return a sentence for MLflow's error about a newer schema; None for any other error."""
    import mlflow

    found = FOUND_VERSION.search(str(error))
    if found is None or found[1] in _known_versions():
        return None
    return (
        f"the store was written by a newer MLflow than the installed {mlflow.__version__}; upgrade"
        " it (pip install --upgrade mlflow), or use another store"
    )


@contextmanager
def newer_schema_explained() -> Generator[None]:
    """Raise the error about a newer schema with its sentence; leave others as they are."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if (reason := explain_newer_schema(error)) is None:
            raise
        raise MlflowException(reason) from None


def _known_versions() -> set[str]:
    """Return the versions of the schema that the installed MLflow can migrate."""
    from alembic.script import ScriptDirectory
    from mlflow.store.db.utils import _get_alembic_config

    scripts = ScriptDirectory.from_config(_get_alembic_config(db_url=""))
    return {script.revision for script in scripts.walk_revisions()}
