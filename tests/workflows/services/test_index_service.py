"""The index service in its own process: its answers, its errors and its spans."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path

import httpx
import mlflow
import pytest
from mlflow.tracing import get_tracing_context_headers_for_http_request

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace, trace_from_mlflow
from instrumentation.tracing import RunHandle, enable_tracing, record_run
from scenarios.replay.service_processes import ServiceProcesses, run_services
from tests.support.forks.forking_python import forking_python

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("forked_programs")]

FACT = {"country": "NPL", "title": "Nepal", "text": "Everest is high.", "source": "a test"}


@pytest.fixture(scope="module")
def services(store: str) -> Iterator[ServiceProcesses]:
    with enable_tracing(store, frameworks=()), run_services({"index": ()}, store) as up:
        yield up


@pytest.fixture
def index(services: ServiceProcesses) -> Generator[httpx.Client]:
    with index_client(services) as client:
        yield client


def index_client(services: ServiceProcesses) -> httpx.Client:
    return httpx.Client(base_url=services.addresses["index"], trust_env=False)


def read_trace(run: RunHandle, services: ServiceProcesses) -> Trace:
    services.flush()
    return trace_from_mlflow(found.to_dict() for found in run.traces())


def search(
    index: httpx.Client, services: ServiceProcesses, **params: str
) -> tuple[httpx.Response, Span]:
    """Search in a trace; returns the response, and the service's span in the trace."""
    with record_run() as run, mlflow.start_span("search_index", span_type="TOOL"):
        headers = get_tracing_context_headers_for_http_request()
        response = index.get("/search", params=params, headers=headers)
    (span,) = read_trace(run, services).root.children
    return response, span


def test_it_answers_with_the_best_fact_and_its_source(
    index: httpx.Client, services: ServiceProcesses
) -> None:
    response, span = search(index, services, q="how high is Mont Blanc", country="FRA")
    best = response.json()["results"][0]
    assert sorted(best) == ["score", "source", "text", "title"]
    assert "4,805.59 metres" in best["text"]
    assert best["source"].endswith("Haute-Savoie, 2023")
    assert (span.name, span.type, span.status) == ("GET /search", "RETRIEVER", "OK")
    assert span.inputs == {"q": "how high is Mont Blanc", "country": "FRA"}
    assert span.outputs == response.json()


def test_unreadable_documents_are_a_503_with_reason_and_retry_after(
    services: ServiceProcesses, store: str, tmp_path: Path
) -> None:
    documents = tmp_path / "documents.jsonl"
    with (
        run_services({"index": ("--documents", str(documents))}, store) as unreadable,
        index_client(unreadable) as index,
    ):
        response, span = search(index, unreadable, q="Everest")
        message = "no index is loaded: documents.jsonl: No such file or directory"
        assert (response.status_code, response.json()) == (503, {"error": message})
        assert response.headers["retry-after"] == "1"
        assert (span.name, span.status, span.status_message) == ("GET /search", "ERROR", message)
        assert index.get("/health").status_code == 503
        documents.write_text(json.dumps(FACT))
        assert index.get("/search", params={"q": "Everest"}).status_code == 200
        assert index.get("/health").json() == {"documents": 1}


def test_an_unknown_country_has_no_results(index: httpx.Client, services: ServiceProcesses) -> None:
    response, _ = search(index, services, q="Everest", country="ATA")
    assert (response.status_code, response.json()) == (200, {"results": []})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "nothing to search for: q is missing or empty"),
        ({"q": "  "}, "nothing to search for: q is missing or empty"),
        (
            {"q": "x", "country": "Nepal"},
            "country 'Nepal' is not a code of three capital letters, as FRA",
        ),
    ],
)
def test_an_invalid_request_is_refused_with_a_reason(
    index: httpx.Client, services: ServiceProcesses, params: dict[str, str], message: str
) -> None:
    response, span = search(index, services, **params)
    assert (response.status_code, response.json()) == (400, {"error": message})
    assert span.attributes["http.response.status_code"] == 400
    assert span.status == "OK"


async def test_concurrent_searches_of_one_trace_are_all_in_it(
    index: httpx.Client, services: ServiceProcesses
) -> None:
    many = 20
    with record_run() as run, mlflow.start_span("search_index", span_type="TOOL"):
        headers = get_tracing_context_headers_for_http_request()
        async with httpx.AsyncClient(base_url=index.base_url, trust_env=False) as client:
            requests = [
                client.get("/search", params={"q": str(number)}, headers=headers)
                for number in range(many)
            ]
            await asyncio.gather(*requests)
    trace = read_trace(run, services)
    assert {span.inputs["q"] for span in trace.root.children} == set(map(str, range(many)))


def test_a_request_without_a_trace_gets_a_trace_of_its_own(
    index: httpx.Client, services: ServiceProcesses
) -> None:
    question = "Everest, without a trace"
    assert index.get("/search", params={"q": question}).status_code == 200
    services.flush()
    traces = mlflow.search_traces(filter_string="name = 'GET /search'", return_type="list")
    assert question in [trace.data.spans[0].inputs.get("q") for trace in traces]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_a_signal_and_its_spans_are_stored(store: str, ending: signal.Signals) -> None:
    question = f"a question before {ending.name}"
    command = [forking_python(), "-m", "workflows.services.index", "--port", "0"]
    with subprocess.Popen(
        command,
        env=os.environ | {"MLFLOW_TRACKING_URI": store},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        httpx.get(f"{address}/search", params={"q": question}, trust_env=False)
        process.send_signal(ending)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in errors
    with enable_tracing(store, frameworks=()):
        traces = mlflow.search_traces(filter_string="name = 'GET /search'", return_type="list")
        assert question in [trace.data.spans[0].inputs.get("q") for trace in traces]


def test_a_taken_port_is_reported_with_exit_code_2(index: httpx.Client, store: str) -> None:
    command = [forking_python(), "-m", "workflows.services.index"]
    done = subprocess.run(
        [*command, "--port", str(index.base_url.port)],
        env=os.environ | {"MLFLOW_TRACKING_URI": store},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Address already in use. Choose another, or 0 for a free one." in done.stderr
