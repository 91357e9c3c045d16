"""The index: a service in a process of its own, which answers, refuses and traces."""

import asyncio
import json
import os
import signal
import subprocess
import sys
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

pytestmark = pytest.mark.long

FACT = {"country": "NPL", "title": "Nepal", "text": "Everest is high.", "source": "a test"}


@pytest.fixture(scope="module")
def services(store: str) -> Iterator[ServiceProcesses]:
    with enable_tracing(store, frameworks=()), run_services({"index": ()}, store) as up:
        yield up


@pytest.fixture
def index(services: ServiceProcesses) -> Generator[httpx.Client]:
    with asking(services) as client:
        yield client


def asking(services: ServiceProcesses) -> httpx.Client:
    return httpx.Client(base_url=services.addresses["index"], trust_env=False)


def of(run: RunHandle, services: ServiceProcesses) -> Trace:
    services.flush()
    return trace_from_mlflow(found.to_dict() for found in run.traces())


def searched(
    index: httpx.Client, services: ServiceProcesses, **asked: str
) -> tuple[httpx.Response, Span]:
    """What it answered, and its span in the caller's trace."""
    with record_run() as run, mlflow.start_span("search_index", span_type="TOOL"):
        headers = get_tracing_context_headers_for_http_request()
        reply = index.get("/search", params=asked, headers=headers)
    (span,) = of(run, services).root.children
    return reply, span


def test_it_answers_with_the_fact_that_fits_best_and_its_source(
    index: httpx.Client, services: ServiceProcesses
) -> None:
    reply, span = searched(index, services, q="how high is Mont Blanc", country="FRA")
    best = reply.json()["results"][0]
    assert sorted(best) == ["score", "source", "text", "title"]
    assert "4,805.59 metres" in best["text"]
    assert best["source"].endswith("Haute-Savoie, 2023")
    assert (span.name, span.type, span.status) == ("GET /search", "RETRIEVER", "OK")
    assert span.inputs == {"q": "how high is Mont Blanc", "country": "FRA"}
    assert span.outputs == reply.json()


def test_while_its_documents_cannot_be_read_it_says_why_and_when_to_ask_again(
    services: ServiceProcesses, store: str, tmp_path: Path
) -> None:
    documents = tmp_path / "documents.jsonl"
    with (
        run_services({"index": ("--documents", str(documents))}, store) as unread,
        asking(unread) as index,
    ):
        reply, span = searched(index, unread, q="Everest")
        why = "no index is loaded: documents.jsonl: No such file or directory"
        assert (reply.status_code, reply.json()) == (503, {"error": why})
        assert reply.headers["retry-after"] == "1"
        assert (span.name, span.status, span.status_message) == ("GET /search", "ERROR", why)
        assert index.get("/health").status_code == 503
        documents.write_text(json.dumps(FACT))
        assert index.get("/search", params={"q": "Everest"}).status_code == 200
        assert index.get("/health").json() == {"documents": 1}


def test_a_country_that_it_knows_nothing_of_has_no_results(
    index: httpx.Client, services: ServiceProcesses
) -> None:
    reply, _ = searched(index, services, q="Everest", country="ATA")
    assert (reply.status_code, reply.json()) == (200, {"results": []})


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({}, "there is nothing to search for: q is missing or empty"),
        ({"q": "  "}, "there is nothing to search for: q is missing or empty"),
        (
            {"q": "x", "country": "Nepal"},
            "country 'Nepal' is no code of three capital letters, as FRA",
        ),
    ],
)
def test_what_it_cannot_answer_it_refuses_with_a_sentence(
    index: httpx.Client, services: ServiceProcesses, asked: dict[str, str], why: str
) -> None:
    reply, span = searched(index, services, **asked)
    assert (reply.status_code, reply.json()) == (400, {"error": why})
    assert span.attributes["http.response.status_code"] == 400
    assert span.status == "OK"


async def test_searches_of_one_trace_at_once_are_all_in_it(
    index: httpx.Client, services: ServiceProcesses
) -> None:
    many = 20
    with record_run() as run, mlflow.start_span("search_index", span_type="TOOL"):
        headers = get_tracing_context_headers_for_http_request()
        async with httpx.AsyncClient(base_url=index.base_url, trust_env=False) as client:
            asking = [
                client.get("/search", params={"q": str(number)}, headers=headers)
                for number in range(many)
            ]
            await asyncio.gather(*asking)
    trace = of(run, services)
    assert {span.inputs["q"] for span in trace.root.children} == set(map(str, range(many)))


def test_who_sends_no_trace_is_answered_in_a_trace_of_its_own(
    index: httpx.Client, services: ServiceProcesses
) -> None:
    question = "Everest, asked by nobody"
    assert index.get("/search", params={"q": question}).status_code == 200
    services.flush()
    traces = mlflow.search_traces(filter_string="name = 'GET /search'", return_type="list")
    assert question in [trace.data.spans[0].inputs.get("q") for trace in traces]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_a_signal_and_what_it_traced_is_stored(
    store: str, ending: signal.Signals
) -> None:
    question = f"what was asked before {ending.name}"
    command = [sys.executable, "-m", "workflows.services.index", "--port", "0"]
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
        _, told = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in told
    with enable_tracing(store, frameworks=()):
        traces = mlflow.search_traces(filter_string="name = 'GET /search'", return_type="list")
        assert question in [trace.data.spans[0].inputs.get("q") for trace in traces]


def test_a_taken_port_is_told_and_exits_with_2(index: httpx.Client, store: str) -> None:
    command = [sys.executable, "-m", "workflows.services.index"]
    done = subprocess.run(
        [*command, "--port", str(index.base_url.port)],
        env=os.environ | {"MLFLOW_TRACKING_URI": store},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Address already in use. Take another, or 0 for a free one." in done.stderr
