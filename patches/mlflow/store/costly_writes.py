"""Store a trace in a database with less work: look up its experiment once, compile INSERTs once.

For each trace MLflow's store reads the experiment, in a session of its own. For each write of spans
it compiles an INSERT that has a parameter for each column of each span, and that no cache can keep.
Both take a quarter of the time of storing a short trace.

Only a store that is in use when tracing starts is patched: to import the database's code takes a
second, which a program that sends its traces to a server does not need.
"""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import cache, lru_cache, wraps
from inspect import signature
from time import monotonic
from typing import Any

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block

EXPERIMENT_LIFETIME_S = 10
"""How old the state of an experiment may be: whether it is deleted, so that it takes no trace."""
STORE_MODULE = "mlflow.store.tracking.sqlalchemy_store"
UPSERT_MODULES = (f"{STORE_MODULE}_upsert_utils", STORE_MODULE)
"""The modules that have `_upsert_batch`: in MLflow 3.18, and before."""
UPSERT_PARAMETERS = "session, model_class, table, rows, pk_columns, update_columns, dialect"


def costly_writes_patch() -> Patch:
    """Return the patch for the database code that the process has imported, if any."""
    upsert_module = next((name for name in UPSERT_MODULES if name in sys.modules), None)
    wrapped = {
        f"{STORE_MODULE}:SqlAlchemyStore.start_trace": "self, trace_info",
        f"{STORE_MODULE}:SqlAlchemyStore.get_experiment": "self, experiment_id",
        f"{upsert_module}:_upsert_batch": UPSERT_PARAMETERS,
    }
    return Patch(
        name="mlflow.store.costly_writes",
        symptom="storing a short trace in SQLite takes a third more CPU time",
        upstream=f"{STORE_MODULE} (`get_experiment` in `start_trace`, and `insert(table).values`)",
        versions={"mlflow": ">=3.17,<3.19"},
        delete_when="MLflow stores a trace without reading its experiment each time",
        canary="tests/patches/mlflow/test_costly_writes.py"
        "::test_upstream_mlflow_stores_a_trace_without_reading_its_experiment",
        apply=lambda: _apply(upsert_module),
        wraps=wrapped if upsert_module else {},
    )


@contextmanager
def _apply(upsert_module: str | None) -> Generator[None]:
    if upsert_module is None:
        yield
        return
    store_class: Any = vars(sys.modules[STORE_MODULE])["SqlAlchemyStore"]
    upserting: Any = sys.modules[upsert_module]
    start_trace, upsert = store_class.start_trace, upserting._upsert_batch
    parameters = signature(upsert)

    @lru_cache(maxsize=8)
    def read_experiment(store: Any, experiment_id: str, _period: int) -> Any:
        return store.get_experiment(experiment_id)

    @wraps(start_trace)
    def start_with_known_experiment(self: Any, *args: Any, **kwargs: Any) -> Any:
        if type(self) is not store_class:  # one for workspaces, whose experiments may be hidden
            return start_trace(self, *args, **kwargs)
        store = copy(self)
        period = int(monotonic() / EXPERIMENT_LIFETIME_S)
        store.get_experiment = lambda experiment_id: read_experiment(self, experiment_id, period)
        return start_trace(store, *args, **kwargs)

    @wraps(upsert)
    def upsert_many(session: Any, *args: Any, **kw: Any) -> None:
        bound = parameters.bind(session, *args, **kw).arguments
        if bound["dialect"] == "sqlite":
            columns = (tuple(bound[name]) for name in ("pk_columns", "update_columns"))
            session.execute(_upsert_statement(bound["table"], *columns), bound["rows"])
        else:
            upsert(session, *args, **kw)

    with (
        replace_for_block(store_class, start_trace=start_with_known_experiment),
        replace_for_block(upserting, _upsert_batch=upsert_many),
    ):
        yield


@cache
def _upsert_statement(table: Any, keys: Sequence[str], updated_columns: Sequence[str]) -> Any:
    """Return a statement for one row; the driver repeats it for many."""
    from sqlalchemy.dialects.sqlite import insert

    statement = insert(table)
    if not updated_columns:
        return statement.on_conflict_do_nothing()
    new = {column: statement.excluded[column] for column in updated_columns}
    return statement.on_conflict_do_update(index_elements=keys, set_=new)
