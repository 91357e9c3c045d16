"""A burst: no span is lost, and no cost is wrong, though the store is slower than the program."""

import sqlite3
from pathlib import Path

import mlflow
import pytest

from instrumentation.tracing import recorded, traced

TRACES, COMPLETIONS = 150, 40
COST = 100 * 0.15e-6 + 10 * 0.60e-6
"""Of one completion, in dollars: gpt-4o-mini's list price, as MLflow's own table has it."""
SPANS = TRACES * (COMPLETIONS + 1)
USED = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store after a burst of SPANS spans, more than any queue of MLflow's holds by default."""
    path = tmp_path_factory.mktemp("burst") / "mlflow.db"
    with traced(f"sqlite:///{path}"), recorded():
        for _ in range(TRACES):
            with mlflow.start_span("root"):
                for _ in range(COMPLETIONS):
                    with mlflow.start_span("completion", span_type="LLM") as span:
                        span.set_attribute("mlflow.llm.model", "gpt-4o-mini")
                        span.set_attribute("mlflow.chat.tokenUsage", USED)
    return path


def rows(database: Path, query: str) -> list[tuple[float, ...]]:
    with sqlite3.connect(database) as connection:
        return connection.execute(query).fetchall()


def test_every_span_is_stored(database: Path) -> None:
    assert rows(database, "select count(*) from spans") == [(SPANS,)]
    counts = rows(database, "select count(*) from spans group by trace_id")
    assert counts == [(COMPLETIONS + 1,)] * TRACES


def test_every_trace_has_all_its_tokens_and_its_whole_cost(database: Path) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{database}")
    experiment = client.get_experiment_by_name("flight-recorder").experiment_id
    found = client.search_traces(locations=[experiment], max_results=TRACES, include_spans=False)
    assert [trace.info.token_usage["total_tokens"] for trace in found] == [
        COMPLETIONS * 110
    ] * TRACES
    whole = {round(trace.info.cost["total_cost"], 9) for trace in found}
    assert whole == {round(COMPLETIONS * COST, 9)}
