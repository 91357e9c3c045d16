"""The archive: a service in a process of its own, whose lookups go on after the answer."""

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
from workflows.clip_made import made
from workflows.fingerprint import fingerprint
from workflows.lookup import Archive, Lookup, until_done
from workflows.services.archive import FINGERPRINTS, Known
from workflows.services.records import read

pytestmark = pytest.mark.long

UNKNOWN = made(scene=0)
KNOWN = made(scene=7, duplicated=(55, 56))


@pytest.fixture(scope="module")
def services(store: str) -> Iterator[ServiceProcesses]:
    with enable_tracing(store, frameworks=()), run_services({"archive": ()}, store) as up:
        yield up


@pytest.fixture
def archive(services: ServiceProcesses) -> Generator[httpx.Client]:
    with httpx.Client(base_url=services.addresses["archive"], trust_env=False) as client:
        yield client


def done(archive: httpx.Client, mark: str, **headers: str) -> dict[str, Any]:
    lookup: dict[str, Any] = archive.post(
        "/lookups", json={"fingerprint": mark}, headers=headers
    ).json()
    while lookup["state"] == "running":
        time.sleep(0.05)
        lookup = archive.get(f"/lookups/{lookup['id']}").json()
    return lookup


def test_a_lookup_begins_at_none_and_comes_to_all(archive: httpx.Client) -> None:
    begun = archive.post("/lookups", json={"fingerprint": fingerprint(UNKNOWN)})
    assert begun.status_code == 202
    assert (begun.json()["state"], begun.json()["looked_through"]) == ("running", 0)
    ended = done(archive, fingerprint(UNKNOWN))
    assert (ended["state"], ended["looked_through"], ended["of"]) == ("done", 40, 40)


def test_a_clip_that_it_does_not_know_matches_none(archive: httpx.Client) -> None:
    assert done(archive, fingerprint(UNKNOWN))["matches"] == []


def test_an_altered_and_noisy_clip_is_known_again(archive: httpx.Client) -> None:
    noise = np.random.default_rng(0).normal(0, 8, KNOWN.frames.shape)
    noisy = np.clip(KNOWN.frames + noise, 0, 255).astype(np.uint8)
    assert done(archive, fingerprint(replace(KNOWN, frames=noisy)))["matches"] == ["wall 7"]


async def test_the_workflow_waits_for_it_as_it_does_for_a_taped_one(
    services: ServiceProcesses,
) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        lookups = Archive(http, services.addresses["archive"], 5.0)
        found = await until_done(lambda: lookups.ask(fingerprint(KNOWN)), 0.05)
    assert isinstance(found, Lookup)
    assert found.matches == ["wall 7"]


async def test_what_the_workflow_asks_it_stands_in_one_trace(services: ServiceProcesses) -> None:
    with record_run() as run, mlflow.start_span("archive_matches", span_type="TOOL"):
        async with httpx.AsyncClient(trust_env=False) as http:
            await Archive(http, services.addresses["archive"], 5.0).ask(fingerprint(KNOWN))
    services.flush()
    (begun,) = trace_from_mlflow(found.to_dict() for found in run.traces()).root.children
    assert (begun.name, begun.type) == ("POST /lookups", "RETRIEVER")


def test_what_goes_on_after_the_answer_stands_in_the_callers_trace(
    archive: httpx.Client, services: ServiceProcesses
) -> None:
    with record_run() as run, mlflow.start_span("archive_matches", span_type="TOOL"):
        done(archive, fingerprint(KNOWN), **get_tracing_context_headers_for_http_request())
    services.flush()
    (begun,) = trace_from_mlflow(found.to_dict() for found in run.traces()).root.children
    (looked_through,) = begun.children
    assert (begun.name, begun.attributes["http.response.status_code"]) == ("POST /lookups", 202)
    assert looked_through.name == "look through"
    assert looked_through.outputs["matches"] == ["wall 7"]
    assert looked_through.end_ns > begun.end_ns


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"{}", b'{"fingerprint": "x"}', b'{"fingerprint": 1}']
)
def test_what_is_no_fingerprint_is_refused_with_a_sentence(
    archive: httpx.Client, body: bytes
) -> None:
    reply = archive.post("/lookups", content=body)
    assert reply.status_code == 400
    assert reply.json() == {"error": "a lookup needs a fingerprint: 16 digits, 0 to f"}


def test_an_id_that_it_has_not_given_is_refused_with_a_sentence(archive: httpx.Client) -> None:
    reply = archive.get("/lookups/2207")
    assert (reply.status_code, reply.json()) == (
        404,
        {"error": "no lookup '2207' is known: begin one"},
    )


def test_without_its_fingerprints_it_says_why(store: str, tmp_path: Path) -> None:
    missing = ("--fingerprints", str(tmp_path / "fingerprints.jsonl"))
    with run_services({"archive": missing}, store) as up:
        asked = {"fingerprint": fingerprint(KNOWN)}
        reply = httpx.post(f"{up.addresses['archive']}/lookups", json=asked, trust_env=False)
    why = "no archive is loaded: fingerprints.jsonl: No such file or directory"
    assert (reply.status_code, reply.json()) == (503, {"error": why})
    assert reply.headers["retry-after"] == "1"


def test_the_fingerprints_are_those_of_the_made_walls() -> None:
    assert read(FINGERPRINTS, Known) == tuple(
        Known(f"wall {scene}", fingerprint(made(scene=scene))) for scene in range(1, 41)
    )
