"""The archive service in its own process: lookups that go on after the request is answered."""

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import mlflow
import numpy as np
import pytest
from mlflow.tracing import get_tracing_context_headers_for_http_request

from instrumentation.trace.trace import trace_from_mlflow
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.service_processes import ServiceProcesses, run_services
from workflows.services.archive import FINGERPRINTS, KnownClip
from workflows.services.records import read_jsonl_records
from workflows.support.media.archive import ArchiveLookup
from workflows.support.media.clip import Clip
from workflows.support.media.fingerprint import compute_fingerprint
from workflows.support.media.synthetic_clip import make_clip

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("forked_programs")]

UNKNOWN = make_clip(scene=0)
KNOWN = make_clip(scene=7, duplicated=(55, 56))


@pytest.fixture(scope="module")
def services(store: str) -> Iterator[ServiceProcesses]:
    with enable_tracing(store, frameworks=()), run_services({"archive": ()}, store) as up:
        yield up


@pytest.fixture
def archive(services: ServiceProcesses) -> Generator[httpx.Client]:
    with httpx.Client(base_url=services.addresses["archive"], trust_env=False) as client:
        yield client


def wait_for_lookup(archive: httpx.Client, clip: Clip, **headers: str) -> dict[str, Any]:
    """Start a lookup and poll it until it is done."""
    body = {"fingerprint": compute_fingerprint(clip)}
    lookup: dict[str, Any] = archive.post("/lookups", json=body, headers=headers).json()
    while lookup["state"] == "running":
        time.sleep(0.05)
        lookup = archive.get(f"/lookups/{lookup['id']}").json()
    return lookup


def test_a_lookup_goes_from_no_clip_to_all_clips(archive: httpx.Client) -> None:
    response = archive.post("/lookups", json={"fingerprint": compute_fingerprint(UNKNOWN)})
    assert response.status_code == 202
    assert (response.json()["state"], response.json()["looked_through"]) == ("running", 0)
    lookup = wait_for_lookup(archive, UNKNOWN)
    assert (lookup["state"], lookup["looked_through"], lookup["of"]) == ("done", 40, 40)


def test_an_unknown_clip_has_no_matches(archive: httpx.Client) -> None:
    assert wait_for_lookup(archive, UNKNOWN)["matches"] == []


def test_an_altered_and_noisy_clip_is_recognized(archive: httpx.Client) -> None:
    noise = np.random.default_rng(0).normal(0, 8, KNOWN.frames.shape)
    noisy = np.clip(KNOWN.frames + noise, 0, 255).astype(np.uint8)
    lookup = wait_for_lookup(archive, replace(KNOWN, frames=noisy))
    assert lookup["matches"] == ["wall 7"]


async def test_the_client_of_the_workflow_waits_for_the_service(
    services: ServiceProcesses,
) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        lookup = ArchiveLookup(http, services.addresses["archive"], KNOWN)
        progress = await lookup.wait(poll_interval_s=0.05)
    assert progress.matches == ["wall 7"]


async def test_the_spans_of_the_service_are_in_the_callers_trace(
    services: ServiceProcesses,
) -> None:
    with record_run() as run, mlflow.start_span("archive_matches", span_type="TOOL"):
        async with httpx.AsyncClient(trust_env=False) as http:
            await ArchiveLookup(http, services.addresses["archive"], KNOWN).poll()
    services.flush()
    (request,) = trace_from_mlflow(trace.to_dict() for trace in run.traces()).root.children
    assert (request.name, request.type) == ("POST /lookups", "RETRIEVER")


def test_work_after_the_answer_is_in_the_callers_trace_too(
    archive: httpx.Client, services: ServiceProcesses
) -> None:
    with record_run() as run, mlflow.start_span("archive_matches", span_type="TOOL"):
        wait_for_lookup(archive, KNOWN, **get_tracing_context_headers_for_http_request())
    services.flush()
    (request,) = trace_from_mlflow(trace.to_dict() for trace in run.traces()).root.children
    (comparison,) = request.children
    assert (request.name, request.attributes["http.response.status_code"]) == ("POST /lookups", 202)
    assert comparison.name == "look through"
    assert comparison.outputs["matches"] == ["wall 7"]
    assert comparison.end_ns > request.end_ns


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"{}", b'{"fingerprint": "x"}', b'{"fingerprint": 1}']
)
def test_a_request_without_a_fingerprint_is_refused(archive: httpx.Client, body: bytes) -> None:
    reply = archive.post("/lookups", content=body)
    assert reply.status_code == 400
    assert reply.json() == {"error": "a lookup needs a fingerprint: 16 digits, 0 to f"}


def test_an_unknown_id_is_refused(archive: httpx.Client) -> None:
    reply = archive.get("/lookups/2207")
    assert (reply.status_code, reply.json()) == (
        404,
        {"error": "there is no lookup '2207': start one"},
    )


def test_without_its_file_it_answers_why_it_is_unavailable(store: str, tmp_path: Path) -> None:
    arguments = ("--fingerprints", str(tmp_path / "fingerprints.jsonl"))
    with run_services({"archive": arguments}, store) as up:
        body = {"fingerprint": compute_fingerprint(KNOWN)}
        reply = httpx.post(f"{up.addresses['archive']}/lookups", json=body, trust_env=False)
    error = "no archive is loaded: fingerprints.jsonl: No such file or directory"
    assert (reply.status_code, reply.json()) == (503, {"error": error})
    assert reply.headers["retry-after"] == "1"


def test_the_file_holds_the_fingerprints_of_the_walls() -> None:
    assert read_jsonl_records(FINGERPRINTS, KnownClip) == tuple(
        KnownClip(f"wall {scene}", compute_fingerprint(make_clip(scene=scene)))
        for scene in range(1, 41)
    )
