"""Benchmark searches and alerts over 10,000 traces, in SQLite and in PostgreSQL.

Three scenarios write traces into the store. SQL statements copy their rows, each copy with its own
id and time, which takes seconds instead of twenty minutes.
"""

import base64
import json
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sql

from scenarios.player.run import run_scenario
from scenarios.traces.store.saved_queries import QUERIES, SavedQuery, find_query
from scenarios.traces.store.saved_query_search import SavedQuerySearch
from tests.support.servers import is_postgres_installed, postgres_database

TRACES = 10_000
ALERT_TRACES = 1_000
"""Number of traces over which alerts are evaluated; time grows with it, memory does not."""
ROUNDS = 3
INTERVAL_MS = 1_000
"""Time between the starts of two traces."""
SCENARIOS = ("summarizer_is_rate_limited", "tool_call_runs_away", "search_goes_well")
TABLES = {
    "trace_info": "request_id",
    "trace_tags": "request_id",
    "trace_request_metadata": "request_id",
    "spans": "trace_id",
}
"""MLflow's tables of a trace, each with its column of the trace's id; parents come first."""
QUERY_ARGUMENTS = {"NAME": "summarizer", "TEXT": "rate limit", "SECONDS": "1"}
COPY_COLUMNS: Mapping[str, type[sql.types.TypeEngine[Any]]] = {
    "old": sql.String,
    "new": sql.String,
    "old_base64": sql.String,
    "new_base64": sql.String,
    "began_ms": sql.BigInteger,
    "later_ns": sql.BigInteger,
}
"""The columns of the temporary table that maps a trace to one copy of it."""


def run_benchmark(store: str) -> dict[str, float | str]:
    """Return the milliseconds of each saved query and of the alerts, per kind of store."""
    figures = {
        f"SQLite: {name}": figure for name, figure in measure_store(f"{store}.search").items()
    }
    if not is_postgres_installed():
        return figures | {"PostgreSQL": "skipped: apt-get install postgresql"}
    with postgres_database() as uri:
        return figures | {
            f"PostgreSQL: {name}": figure for name, figure in measure_store(uri).items()
        }


def measure_store(store: str) -> dict[str, float | str]:
    """Fill a store, then measure searches and alerts in it."""
    for name in SCENARIOS:
        run_scenario(name, store)
    began = time.perf_counter()
    spans = fill_store(store)
    figures: dict[str, float | str] = {
        f"{TRACES:,} traces, {spans:,} spans, copied in: s": time.perf_counter() - began
    }
    for query in QUERIES:
        figures[f"search {query.name}, 20 of {TRACES:,}: ms"] = measure_search_ms(query, store)
    return figures | measure_alerts_in_subprocess(store)


def measure_search_ms(query: SavedQuery, store: str) -> float:
    """Return the median time of `search_traces` with the query's filter, in milliseconds."""
    since = datetime.now(UTC) - timedelta(days=2)
    search = SavedQuerySearch(query, QUERY_ARGUMENTS.get(query.argument, ""), since, store)
    took = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        search.find_infos(20)
        took.append((time.perf_counter() - began) * 1e3)
    return statistics.median(took[1:])


def measure_alerts_in_subprocess(store: str) -> dict[str, float | str]:
    """Evaluate the alerts in a process of its own; return its time and memory."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.trace_search", store], capture_output=True, text=True
    )
    figures: dict[str, float | str] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure_alerts(store: str) -> dict[str, float]:
    """Evaluate the built-in rules over the newest 200 traces, then over ALERT_TRACES."""
    import resource

    from instrumentation.alerts.alert_rule import DEFAULT_ALERT_RULES
    from scenarios.monitoring.alert_gate import run_alert_gate

    def peak_mib() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    (newest,) = SavedQuerySearch(
        find_query("all"), "", datetime.now(UTC) - timedelta(days=2), store
    ).find_infos(1)
    began = datetime.fromtimestamp(newest.timestamp_ms / 1000, UTC)
    run_alert_gate(
        DEFAULT_ALERT_RULES,
        store,
        began - timedelta(seconds=200),
        "",
        lambda _: None,
        with_scenarios=True,
    )
    before_mib, started = peak_mib(), time.perf_counter()
    gate = run_alert_gate(
        DEFAULT_ALERT_RULES,
        store,
        began - timedelta(seconds=ALERT_TRACES),
        "",
        lambda _: None,
        with_scenarios=True,
    )
    took_ms = (time.perf_counter() - started) * 1e3
    return {
        "alerts: ms a trace": took_ms / gate.report.traces,
        "alerts: peak memory: MiB": peak_mib(),
        "alerts: more than over 200 traces: MiB": peak_mib() - before_mib,
    }


def fill_store(store: str) -> int:
    """Copy the traces of a store until it has TRACES; return the number of its spans."""
    engine = sql.create_engine(store.replace("postgresql://", "postgresql+psycopg://"))
    tables = sql.MetaData()
    tables.reflect(engine, only=list(TABLES))
    copies = sql.Table(
        "copies",
        tables,
        *map(sql.Column, COPY_COLUMNS, COPY_COLUMNS.values()),
        prefixes=["TEMPORARY"],
    )
    began = tables.tables["trace_info"].c
    with engine.begin() as connection:
        originals = connection.execute(sql.select(began.request_id, began.timestamp_ms)).all()
        copies.create(connection)
        connection.execute(copies.insert(), list(plan_copies([(id, ms) for id, ms in originals])))
        for name, id in TABLES.items():
            connection.execute(copy_statement(tables.tables[name], id, copies))
        if engine.dialect.name == "postgresql":
            connection.execute(sql.text("ANALYZE"))  # autovacuum would do it within a minute
        counted = connection.execute(sql.text("SELECT count(*) FROM spans")).scalar_one()
    engine.dispose()
    return int(counted)


def plan_copies(originals: Sequence[tuple[str, int]]) -> Iterator[dict[str, str | int]]:
    """Yield the rows of the temporary table: the trace to copy, the new id, the new time."""
    newest_ms = max(began_ms for _, began_ms in originals)
    for n in range(len(originals), TRACES):
        old, old_ms = originals[n % len(originals)]
        new, began_ms = f"tr-{uuid.uuid4().hex}", newest_ms - n * INTERVAL_MS
        yield {
            "old": old,
            "new": new,
            "old_base64": trace_id_base64(old),
            "new_base64": trace_id_base64(new),
            "began_ms": began_ms,
            "later_ns": (began_ms - old_ms) * 1_000_000,
        }


def copy_statement(table: sql.Table, id: str, copies: sql.Table) -> sql.Insert:
    """Build the statement that copies a table's rows. A stored span contains its trace's id in hex
    and in base64."""
    copy, kept = copies.c, [column for column in table.c if column.computed is None]
    made: dict[str, sql.ColumnElement[Any]] = {id: copy.new, "timestamp_ms": copy.began_ms}
    if table.name == "spans":
        in_hex = sql.func.replace(table.c.content, copy.old, copy.new)
        made["content"] = sql.func.replace(in_hex, copy.old_base64, copy.new_base64)
        for key in ("start_time_unix_nano", "end_time_unix_nano"):
            made[key] = table.c[key] + copy.later_ns
    rows = sql.select(*(made.get(column.name, column) for column in kept))
    return table.insert().from_select(
        [column.name for column in kept], rows.join_from(table, copies, table.c[id] == copy.old)
    )


def trace_id_base64(trace_id: str) -> str:
    return base64.b64encode(bytes.fromhex(trace_id.removeprefix("tr-"))).decode()


def main(arguments: Sequence[str]) -> None:
    """Print the figures of the alerts, measured in this process."""
    print(json.dumps(measure_alerts(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
