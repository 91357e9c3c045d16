"""Searches and alerts over 10,000 traces, in SQLite and in PostgreSQL.

The traces are copies of those of three scenarios that were played into the store: each row with an
id and a time of its own, written by SQL, so that the store is filled in a minute and not in twenty.
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

from scenarios.play import play
from scenarios.search import Search
from scenarios.search.query import QUERIES, Query
from tests.services import postgres, postgres_bin

TRACES = 10_000
AT_ONCE = 200
"""Traces that are copied in one transaction."""
ROUNDS = 5
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

Row = Mapping[str, Any]
Copied = dict[str, dict[str, list[Row]]]
"""By table and by trace, the rows."""


def measured(store: str) -> dict[str, float | str]:
    """Milliseconds of each saved query, and what the alerts take, by kind of store."""
    figures = {f"SQLite: {name}": figure for name, figure in over(f"{store}.search").items()}
    if postgres_bin() is None:
        return figures | {"PostgreSQL": "skipped: apt-get install postgresql"}
    with postgres() as uri:
        return figures | {f"PostgreSQL: {name}": figure for name, figure in over(uri).items()}


def over(store: str) -> dict[str, float | str]:
    """Fill a store, and measure."""
    for name in PLAYED:
        play(name, store)
    began = time.perf_counter()
    spans = filled(store)
    figures: dict[str, float | str] = {
        f"{TRACES:,} traces, {spans:,} spans, copied in: s": time.perf_counter() - began
    }
    for query in QUERIES:
        figures[f"search {query.name}, 20 of {TRACES:,}: ms"] = searched(query, store)
    return figures | watched(store)


def searched(query: Query, store: str) -> float:
    """The median time of `search_traces` with the query's filter, in milliseconds."""
    since = datetime.now(UTC) - timedelta(days=2)
    search = Search(query, WORDS.get(query.takes, ""), since, store)
    took = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        search.infos(20)
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
    """The table of the house over the first 200 traces, and then over all."""
    import resource

    from instrumentation.alerts.table import HOUSE
    from scenarios.alerts import held

    def peak_mib() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    now = datetime.now(UTC)
    held(HOUSE, store, now - timedelta(seconds=200), "", lambda _: None)
    before_mib, began = peak_mib(), time.perf_counter()
    gate = held(HOUSE, store, now - timedelta(days=2), "", lambda _: None)
    took_s = time.perf_counter() - began
    return {
        f"alerts over {gate.report.traces:,}: s": took_s,
        "alerts: peak memory: MiB": peak_mib(),
        "alerts: more than over 200 traces: MiB": peak_mib() - before_mib,
    }


def filled(store: str) -> int:
    """Copy what the store holds until it holds TRACES; the number of spans there are then."""
    engine = sql.create_engine(store.replace("postgresql://", "postgresql+psycopg://"))
    tables = sql.MetaData()
    tables.reflect(engine, only=list(TABLES))
    with engine.connect() as connection:
        rows: Copied = {}
        for name, id in TABLES.items():
            for row in connection.execute(sql.select(tables.tables[name])).mappings():
                rows.setdefault(name, {}).setdefault(row[id], []).append(dict(row))
    ids = sorted(rows["trace_info"])
    newest_ms = max(row["timestamp_ms"] for (row,) in rows["trace_info"].values())
    for first in range(len(ids), TRACES, AT_ONCE):
        chosen = [(n, ids[n % len(ids)]) for n in range(first, min(first + AT_ONCE, TRACES))]
        with engine.begin() as connection:
            copies = [
                (old, f"tr-{uuid.uuid4().hex}", newest_ms - n * APART_MS) for n, old in chosen
            ]
            for name in TABLES:
                written = [row for copy in copies for row in copied(name, rows, *copy)]
                connection.execute(tables.tables[name].insert(), written)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sql.text("ANALYZE"))  # which its autovacuum does within a minute
        counted = connection.execute(sql.text("SELECT count(*) FROM spans")).scalar_one()
    engine.dispose()
    return int(counted)


def copied(table: str, rows: Copied, old: str, new: str, began_ms: int) -> Iterator[dict[str, Any]]:
    """A trace's rows of one table, as those of another trace that began then."""
    (info,) = rows["trace_info"][old]
    later_ns = (began_ms - info["timestamp_ms"]) * 1_000_000
    for row in rows[table].get(old, ()):
        copy = dict(row) | {TABLES[table]: new}
        if table == "trace_info":
            copy["timestamp_ms"] = began_ms
        if table == "spans":
            copy.pop("duration_ns")  # the database computes it
            for key in ("start_time_unix_nano", "end_time_unix_nano"):
                copy[key] += later_ns
            copy["content"] = renamed(row["content"], old, new)
        yield copy


def renamed(content: str, old: str, new: str) -> str:
    """A span as MLflow stores it, in another trace: its id stands there in hex and in base64."""
    return content.replace(in_base64(old), in_base64(new)).replace(old, new)


def in_base64(trace_id: str) -> str:
    return base64.b64encode(bytes.fromhex(trace_id.removeprefix("tr-"))).decode()


def main(arguments: Sequence[str]) -> None:
    """Measure the alerts alone, in this process."""
    print(json.dumps(alone(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
