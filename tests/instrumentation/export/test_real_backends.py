"""Two real OTLP backends, MLflow's `/v1/traces` and Arize Phoenix, started with make."""

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

from instrumentation.export.otlp_conversion import SPAN_NAME_ATTRIBUTE
from instrumentation.trace.outline import render_outline
from instrumentation.trace.trace import Trace, trace_from_mlflow
from scenarios.player.run import run_scenario
from tests.instrumentation.export.otlp_receiver import set_endpoint, wait_until
from tests.support.servers import find_free_port

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent.parent.parent
PHOENIX = ROOT / ".envs/phoenix"
SCENARIOS = ("summarizer_never_sees_the_draft", "briefing_goes_well", "stream_is_cut")
SESSION, SERVICE = "conversation_goes_well", "index_service_is_down"
MAX_START_S = 100
"""How long a backend may take to start on a busy machine."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, folder = find_free_port(), tmp_path_factory.mktemp("receiver")
    url = f"http://127.0.0.1:{port}"
    with run_make_target(folder, url, "receiver", f"RECEIVER_PORT={port}", f"STORE={folder}"):
        yield url


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer than by default for a backend on a busy machine."""
    monkeypatch.setenv("OTEL_BSP_EXPORT_TIMEOUT", "60000")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")


@pytest.fixture
def mlflow_receiver(server: str, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """Send spans to an MLflow server, into its experiment 0."""
    set_endpoint(f"{server}/v1/traces", monkeypatch, headers="x-mlflow-experiment-id=0")
    return mlflow.MlflowClient(server)


@pytest.mark.parametrize("name", [*SCENARIOS, SESSION, SERVICE])
def test_mlflow_receives_the_same_trace_as_the_store(
    name: str, store: str, mlflow_receiver: mlflow.MlflowClient
) -> None:
    for stored in run_and_read_traces(name, store):
        received_trace = trace_from_mlflow(
            mlflow_receiver.get_trace(id).to_dict() for id in stored.ids
        )
        assert render_outline(received_trace) == render_outline(stored)


def test_mlflow_receives_tags_and_session(store: str, mlflow_receiver: mlflow.MlflowClient) -> None:
    stored = run_and_read_traces(SESSION, store)[-1]
    for id in stored.ids:
        received_trace, own = (
            mlflow_receiver.get_trace(id).info,
            mlflow.MlflowClient(store).get_trace(id).info,
        )
        assert received_trace.tags["flight_recorder.scenario"] == SESSION
        assert own_tags(received_trace.tags) == own_tags(own.tags)
        for key in ("mlflow.trace.session", "mlflow.trace.user"):
            assert received_trace.trace_metadata[key] == own.trace_metadata[key]


def test_mlflow_counts_the_same_tokens(store: str, mlflow_receiver: mlflow.MlflowClient) -> None:
    (stored,) = run_and_read_traces("briefing_goes_well", store)
    (id,) = stored.ids
    received_trace, own = (
        mlflow_receiver.get_trace(id).info,
        mlflow.MlflowClient(store).get_trace(id).info,
    )
    assert received_trace.token_usage == own.token_usage


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not (PHOENIX / "ready").exists():
        pytest.skip("needs Arize Phoenix in .envs/phoenix: make phoenix-env")
    port, folder = find_free_port(), tmp_path_factory.mktemp("phoenix")
    url = f"http://127.0.0.1:{port}"
    ports = f"PHOENIX_PORT={port}", f"PHOENIX_GRPC_PORT={find_free_port()}"
    with run_make_target(folder, url, "phoenix", *ports, f"PHOENIX_DATA={folder}"):
        yield url


@pytest.mark.phoenix
@pytest.mark.parametrize("name", [SCENARIOS[0], SESSION])
def test_phoenix_has_each_span_below_its_parent(
    name: str, store: str, phoenix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_endpoint(f"{phoenix}/v1/traces", monkeypatch)
    for stored in run_and_read_traces(name, store):
        for id in stored.ids:
            own = mlflow.MlflowClient(store).get_trace(id).data.spans
            assert wait_until(lambda id=id, own=own: len(phoenix_spans(phoenix, id)) == len(own))
            received_trace = {
                span["context"]["span_id"]: span for span in phoenix_spans(phoenix, id)
            }
            for span in own:
                exported = received_trace[span.span_id]
                name_in_mlflow = exported["attributes"].get(SPAN_NAME_ATTRIBUTE, exported["name"])
                assert (name_in_mlflow, exported["parent_id"]) == (span.name, span.parent_id)
                assert exported["status_code"] == span.status.status_code.value


@pytest.mark.phoenix
def test_phoenix_recognises_completions(
    store: str, phoenix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_endpoint(f"{phoenix}/v1/traces", monkeypatch)
    stored = run_and_read_traces(SCENARIOS[0], store)[0]
    assert wait_until(lambda: len(phoenix_spans(phoenix, stored.ids[0])) == len(list(stored)))
    found = phoenix_spans(phoenix, stored.ids[0])
    completions = [span["attributes"] for span in found if span["span_kind"] == "LLM"]
    own = [span.tokens for span in stored.spans_of_type("LLM")]
    assert len(completions) == len(own)
    assert sum(attributes["llm.token_count.prompt"] for attributes in completions) == sum(
        tokens.input for tokens in own
    )
    for attributes in completions:
        assert attributes["llm.model_name"] == "taped"
        assert attributes["llm.input_messages.0.message.role"] == "system"
        assert attributes["llm.output_messages.0.message.content"]
    kinds = {span["name"]: span["span_kind"] for span in found}
    assert (kinds["review"], kinds["invoke_agent reviewer"]) == ("CHAIN", "AGENT")
    assert kinds["generator → reviewer"] == "CHAIN"
    (root,) = (span["attributes"] for span in found if span["parent_id"] is None)
    assert root["input.value"].startswith('{"task":')


@pytest.mark.phoenix
def test_phoenix_groups_the_turns_of_a_session(
    store: str, phoenix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_endpoint(f"{phoenix}/v1/traces", monkeypatch)
    stored = run_and_read_traces(SESSION, store)[-1]
    info = mlflow.MlflowClient(store).get_trace(stored.ids[0]).info
    session = info.trace_metadata["mlflow.trace.session"]

    def turns() -> list[Any]:
        found: list[Any] = (get_data(f"{phoenix}/v1/sessions/{session}") or {"traces": []})[
            "traces"
        ]
        return found

    assert wait_until(lambda: len(turns()) == len(stored.ids))
    assert {f"tr-{turn['trace_id']}" for turn in turns()} == set(stored.ids)


def run_and_read_traces(name: str, store: str) -> list[Trace]:
    """Run a scenario, and return the trace of each variant in MLflow's own store."""
    variants = run_scenario(name, store).variants
    return [variant.trace for variant in variants if variant.trace is not None]


def phoenix_spans(phoenix: str, trace_id: str) -> list[Any]:
    """The spans of a trace in Phoenix, by MLflow's trace id."""
    query = urllib.parse.urlencode({"trace_id": trace_id.removeprefix("tr-"), "limit": 1000})
    found: list[Any] = get_data(f"{phoenix}/v1/projects/default/spans?{query}") or []
    return found


def get_data(url: str) -> Any:
    """The `data` of a response; None if Phoenix does not know the project or session yet."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)["data"]
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith("mlflow.")}


@contextmanager
def run_make_target(folder: Path, url: str, target: str, *arguments: str) -> Generator[str]:
    """Run a make target that starts a server, for the block."""
    environment = {key: value for key, value in os.environ.items() if key[:6] != "MLFLOW"}
    log = folder / "log"
    with log.open("w") as attributes:
        process = subprocess.Popen(
            ["make", target, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=attributes,
            stderr=attributes,
            start_new_session=True,
        )
    try:
        has_started = wait_until(lambda: process.poll() is not None or is_up(url), MAX_START_S)
        assert has_started, f"make {target} did not start in {MAX_START_S} s:\n{log.read_text()}"
        assert process.poll() is None, f"make {target} ended:\n{log.read_text()}"
        yield url
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
