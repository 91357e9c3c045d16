"""Searches and alerts over 10,000 traces, in SQLite and in PostgreSQL.

The traces are copies of those of three scenarios that were played into the store: each row with an
id and a time of its own, made in the database, which takes seconds and not twenty minutes.
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
from scenarios.trace_store.saved_queries import QUERIES, SavedQuery, find_query
from scenarios.trace_store.search import TraceSearch
from tests.support.servers import is_postgres_installed, postgres_database

TRACES = 10_000
WATCHED = 1_000
"""Traces over which alerts are measured: each costs as much as the next, in time and not in memory.
"""
ROUNDS = 3
APART_MS = 1_000
"""How long one trace began after another."""
PLAYED = ("summarizer_is_rate_limited", "tool_call_runs_away", "search_goes_well")
TABLES = {
    "trace_info": "request_id",
    "trace_tags": "request_id",
    "trace_request_metadata": "request_id",
    "spans": "trace_id",
}
"""What MLflow writes of a trace, and the column that holds the trace's id; parents come first."""
WORDS = {"NAME": "summarizer", "TEXT": "rate limit", "SECONDS": "1"}
TWIN: Mapping[str, type[sql.types.TypeEngine[Any]]] = {
    "old": sql.String,
    "new": sql.String,
    "old_base64": sql.String,
    "new_base64": sql.String,
    "began_ms": sql.BigInteger,
    "later_ns": sql.BigInteger,
}
"""The columns of a table, in the database for a while, of a trace and of one copy of it."""


def measured(store: str) -> dict[str, float | str]:
    """Milliseconds of each saved query, and what the alerts take, by kind of store."""
    figures = {f"SQLite: {name}": figure for name, figure in over(f"{store}.search").items()}
    if not is_postgres_installed():
        return figures | {"PostgreSQL": "skipped: apt-get install postgresql"}
    with postgres_database() as uri:
        return figures | {f"PostgreSQL: {name}": figure for name, figure in over(uri).items()}


def over(store: str) -> dict[str, float | str]:
    """Fill a store, and measure."""
    for name in PLAYED:
        run_scenario(name, store)
    began = time.perf_counter()
    spans = filled(store)
    figures: dict[str, float | str] = {
        f"{TRACES:,} traces, {spans:,} spans, copied in: s": time.perf_counter() - began
    }
    for query in QUERIES:
        figures[f"search {query.name}, 20 of {TRACES:,}: ms"] = searched(query, store)
    return figures | watched(store)


def searched(query: SavedQuery, store: str) -> float:
    """The median time of `search_traces` with the query's filter, in milliseconds."""
    since = datetime.now(UTC) - timedelta(days=2)
    search = TraceSearch(query, WORDS.get(query.argument, ""), since, store)
    took = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        search.find_infos(20)
        took.append((time.perf_counter() - began) * 1e3)
    return statistics.median(took[1:])


def watched(store: str) -> dict[str, float | str]:
    """`alerts` over all traces, in a process of its own: seconds, and how much it grew."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench_search", store], capture_output=True, text=True
    )
    told: dict[str, float | str] = json.loads(done.stdout.splitlines()[-1])
    return told


def alone(store: str) -> dict[str, float]:
    """The table of the house over the newest 200 traces, and then over the newest WATCHED."""
    import resource

    from instrumentation.alerts.alert_rules_file import DEFAULT_ALERT_RULES
    from scenarios.trace_store.alert_gate import run_alert_gate

    def peak_mib() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    (newest,) = TraceSearch(
        find_query("all"), "", datetime.now(UTC) - timedelta(days=2), store
    ).find_infos(1)
    began = datetime.fromtimestamp(newest.timestamp_ms / 1000, UTC)
    run_alert_gate(DEFAULT_ALERT_RULES, store, began - timedelta(seconds=200), "", lambda _: None)
    before_mib, started = peak_mib(), time.perf_counter()
    gate = run_alert_gate(
        DEFAULT_ALERT_RULES, store, began - timedelta(seconds=WATCHED), "", lambda _: None
    )
    took_ms = (time.perf_counter() - started) * 1e3
    return {
        "alerts: ms a trace": took_ms / gate.report.traces,
        "alerts: peak memory: MiB": peak_mib(),
        "alerts: more than over 200 traces: MiB": peak_mib() - before_mib,
    }


def filled(store: str) -> int:
    """Copy what the store holds until it holds TRACES; the number of spans there are then."""
    engine = sql.create_engine(store.replace("postgresql://", "postgresql+psycopg://"))
    tables = sql.MetaData()
    tables.reflect(engine, only=list(TABLES))
    twins = sql.Table(
        "twins", tables, *map(sql.Column, TWIN, TWIN.values()), prefixes=["TEMPORARY"]
    )
    began = tables.tables["trace_info"].c
    with engine.begin() as connection:
        originals = connection.execute(sql.select(began.request_id, began.timestamp_ms)).all()
        twins.create(connection)
        connection.execute(twins.insert(), list(planned([(id, ms) for id, ms in originals])))
        for name, id in TABLES.items():
            connection.execute(copying(tables.tables[name], id, twins))
        if engine.dialect.name == "postgresql":
            connection.execute(sql.text("ANALYZE"))  # which its autovacuum does within a minute
        counted = connection.execute(sql.text("SELECT count(*) FROM spans")).scalar_one()
    engine.dispose()
    return int(counted)


def planned(originals: Sequence[tuple[str, int]]) -> Iterator[dict[str, str | int]]:
    """The copies that are to be made, each a row of `twins`: from which trace, as which, when."""
    newest_ms = max(began_ms for _, began_ms in originals)
    for n in range(len(originals), TRACES):
        old, old_ms = originals[n % len(originals)]
        new, began_ms = f"tr-{uuid.uuid4().hex}", newest_ms - n * APART_MS
        yield {
            "old": old,
            "new": new,
            "old_base64": in_base64(old),
            "new_base64": in_base64(new),
            "began_ms": began_ms,
            "later_ns": (began_ms - old_ms) * 1_000_000,
        }


def copying(table: sql.Table, id: str, twins: sql.Table) -> sql.Insert:
    """Copy the rows of a table for all twins, within the database. A span as MLflow stores it has
    its trace's id in hex and in base64."""
    twin, kept = twins.c, [column for column in table.c if column.computed is None]
    made: dict[str, sql.ColumnElement[Any]] = {id: twin.new, "timestamp_ms": twin.began_ms}
    if table.name == "spans":
        in_hex = sql.func.replace(table.c.content, twin.old, twin.new)
        made["content"] = sql.func.replace(in_hex, twin.old_base64, twin.new_base64)
        for key in ("start_time_unix_nano", "end_time_unix_nano"):
            made[key] = table.c[key] + twin.later_ns
    rows = sql.select(*(made.get(column.name, column) for column in kept))
    return table.insert().from_select(
        [column.name for column in kept], rows.join_from(table, twins, table.c[id] == twin.old)
    )


def in_base64(trace_id: str) -> str:
    return base64.b64encode(bytes.fromhex(trace_id.removeprefix("tr-"))).decode()


def main(arguments: Sequence[str]) -> None:
    """Measure the alerts alone, in this process."""
    print(json.dumps(alone(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
