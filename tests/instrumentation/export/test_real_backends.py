"""Two real receivers: MLflow's own `/v1/traces` and Arize Phoenix, started from the Makefile."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import mlflow
import pytest

from instrumentation.trace.outline import render_outline
from instrumentation.trace.trace import Trace, trace_from_mlflow
from scenarios.player.run import run_scenario
from tests.instrumentation.export.otlp_receiver import set_endpoint, wait_until
from tests.support.servers import find_free_port

pytestmark = pytest.mark.long

HOUSE = Path(__file__).parent.parent.parent.parent
PHOENIX = HOUSE / ".envs/phoenix"
SCENARIOS = ("summarizer_never_sees_the_draft", "briefing_goes_well", "stream_is_cut")
SESSION, SERVICE = "conversation_goes_well", "index_service_is_down"
STARTS_S = 100
"""How long a receiver may take to come up on a busy machine."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, folder = find_free_port(), tmp_path_factory.mktemp("receiver")
    url = f"http://127.0.0.1:{port}"
    with made(folder, url, "receiver", f"RECEIVER_PORT={port}", f"STORE={folder}"):
        yield url


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver on a busy machine is waited for at the end, longer than it would be elsewhere."""
    monkeypatch.setenv("OTEL_BSP_EXPORT_TIMEOUT", "60000")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")


@pytest.fixture
def received(server: str, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """MLflow's server as what spans are sent to: into its experiment 0."""
    set_endpoint(f"{server}/v1/traces", monkeypatch, headers="x-mlflow-experiment-id=0")
    return mlflow.MlflowClient(server)


@pytest.mark.parametrize("name", [*SCENARIOS, SESSION, SERVICE])
def test_mlflows_receiver_shows_the_outline_of_the_store(
    name: str, store: str, received: mlflow.MlflowClient
) -> None:
    for kept in traces(name, store):
        sent = trace_from_mlflow(received.get_trace(id).to_dict() for id in kept.ids)
        assert render_outline(sent) == render_outline(kept)


def test_mlflows_receiver_has_the_tags_and_the_session(
    store: str, received: mlflow.MlflowClient
) -> None:
    kept = traces(SESSION, store)[-1]
    for id in kept.ids:
        sent, own = received.get_trace(id).info, mlflow.MlflowClient(store).get_trace(id).info
        assert sent.tags["flight_recorder.scenario"] == SESSION
        assert ours(sent.tags) == ours(own.tags)
        for of in ("mlflow.trace.session", "mlflow.trace.user"):
            assert sent.trace_metadata[of] == own.trace_metadata[of]


def test_mlflows_receiver_counts_the_same_tokens(store: str, received: mlflow.MlflowClient) -> None:
    (kept,) = traces("briefing_goes_well", store)
    (id,) = kept.ids
    sent, own = received.get_trace(id).info, mlflow.MlflowClient(store).get_trace(id).info
    assert sent.token_usage == own.token_usage


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not (PHOENIX / "ready").exists():
        pytest.skip("needs Arize Phoenix in .envs/phoenix: make phoenix-env")
    port, folder = find_free_port(), tmp_path_factory.mktemp("phoenix")
    url = f"http://127.0.0.1:{port}"
    ports = f"PHOENIX_PORT={port}", f"PHOENIX_GRPC_PORT={find_free_port()}"
    with made(folder, url, "phoenix", *ports, f"PHOENIX_DATA={folder}"):
        yield url


@pytest.mark.phoenix
@pytest.mark.parametrize("name", [SCENARIOS[0], SESSION])
def test_phoenix_has_each_span_under_its_parent(
    name: str, store: str, phoenix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_endpoint(f"{phoenix}/v1/traces", monkeypatch)
    for kept in traces(name, store):
        for id in kept.ids:
            own = mlflow.MlflowClient(store).get_trace(id).data.spans
            assert wait_until(lambda id=id, own=own: len(spans(phoenix, id)) == len(own))
            sent = {span["context"]["span_id"]: span for span in spans(phoenix, id)}
            for span in own:
                there = sent[span.span_id]
                assert (there["name"], there["parent_id"]) == (span.name, span.parent_id)
                assert there["status_code"] == span.status.status_code.value


@pytest.mark.phoenix
def test_phoenix_reads_a_completion_as_one(
    store: str, phoenix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_endpoint(f"{phoenix}/v1/traces", monkeypatch)
    kept = traces(SCENARIOS[0], store)[0]
    assert wait_until(lambda: len(spans(phoenix, kept.ids[0])) == len(list(kept)))
    found = spans(phoenix, kept.ids[0])
    completions = [span["attributes"] for span in found if span["span_kind"] == "LLM"]
    own = [span.tokens for span in kept.spans_of_type("LLM")]
    assert len(completions) == len(own)
    assert sum(said["llm.token_count.prompt"] for said in completions) == sum(
        tokens.input for tokens in own
    )
    for said in completions:
        assert said["llm.model_name"] == "taped"
        assert said["llm.input_messages.0.message.role"] == "system"
        assert said["llm.output_messages.0.message.content"]
    kinds = {span["name"]: span["span_kind"] for span in found}
    assert (kinds["review"], kinds["reviewer"]) == ("CHAIN", "AGENT")
    assert kinds["generator → reviewer"] == "CHAIN"
    (root,) = (span["attributes"] for span in found if span["parent_id"] is None)
    assert root["input.value"].startswith('{"task":')


@pytest.mark.phoenix
def test_phoenix_shows_the_turns_of_a_session_together(
    store: str, phoenix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_endpoint(f"{phoenix}/v1/traces", monkeypatch)
    kept = traces(SESSION, store)[-1]
    info = mlflow.MlflowClient(store).get_trace(kept.ids[0]).info
    session = info.trace_metadata["mlflow.trace.session"]

    def turns() -> list[Any]:
        found: list[Any] = (asked(f"{phoenix}/v1/sessions/{session}") or {"traces": []})["traces"]
        return found

    assert wait_until(lambda: len(turns()) == len(kept.ids))
    assert {f"tr-{turn['trace_id']}" for turn in turns()} == set(kept.ids)


def traces(name: str, store: str) -> list[Trace]:
    """Play a scenario; what MLflow's own store has of each variant."""
    seen = run_scenario(name, store).variants
    return [variant.trace for variant in seen if variant.trace is not None]


def spans(phoenix: str, trace_id: str) -> list[Any]:
    """A trace as Phoenix has it, by MLflow's id of it."""
    query = urllib.parse.urlencode({"trace_id": trace_id.removeprefix("tr-"), "limit": 1000})
    found: list[Any] = asked(f"{phoenix}/v1/projects/default/spans?{query}") or []
    return found


def asked(url: str) -> Any:
    """The `data` of an answer; nothing, where Phoenix has yet to see the project or the session."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def ours(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith("mlflow.")}


@contextmanager
def made(folder: Path, url: str, door: str, *arguments: str) -> Generator[str]:
    """What a door of the Makefile starts, while the block lasts."""
    environment = {key: value for key, value in os.environ.items() if key[:6] != "MLFLOW"}
    log = folder / "log"
    with log.open("w") as said:
        started = subprocess.Popen(
            ["make", door, *arguments],
            cwd=HOUSE,
            env=environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        up = wait_until(lambda: started.poll() is not None or answers(url), STARTS_S)
        assert up, f"make {door} did not start in {STARTS_S} s:\n{log.read_text()}"
        assert started.poll() is None, f"make {door} ended:\n{log.read_text()}"
        yield url
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
