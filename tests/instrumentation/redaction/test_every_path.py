"""Redaction, on every path: secrets are planted in each place, and looked for in what left."""

import base64
import json
import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from io import StringIO
from itertools import count, product, takewhile
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import (
    AssessmentSource,
    Feedback,
    Link,
    SpanEvent,
    SpanStatus,
    SpanStatusCode,
)
from mlflow.tracing import (
    get_tracing_context_headers_for_http_request,
    set_tracing_context_from_http_request_headers,
)
from mlflow.tracing.attachments import Attachment
from mlflow.tracing.provider import (
    get_bridged_tracer_provider,
    provider,
    safe_set_span_in_context,
)

from instrumentation.tracing import enable_tracing, record_run
from tests.instrumentation.export.otlp_receiver import run_otlp_receiver
from tests.instrumentation.redaction.planted_secrets import PlantedSecret, plant_secrets

KINDS = tuple(plant_secrets(0))
OTLP = {
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
    "MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT": "true",
}
FEW = KINDS[::6]
WAYS: dict[str, dict[str, str]] = {
    "batched": {},
    "one by one": {"MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false"},
    "OTLP alone": {"MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT": "false"},
}
NUMBERS = count(1)
Plant = Callable[[str], str]
"""Gives the text to plant at the place that it is told."""


class Caught(Exception):
    """Raised to be recorded."""


def written(plant: Plant) -> None:
    """What people and programs write into a span of MLflow."""
    with mlflow.start_span(plant("name"), attributes={"note": plant("attribute")}) as span:
        span.set_inputs({"asked": [plant("inputs"), {plant("key of inputs"): (1, None)}]})
        span.set_outputs(plant("outputs"))
        span.set_attribute(plant("key of attribute")[:200], 1)
        span.add_event(SpanEvent(plant("event"), attributes={"told": plant("event's attribute")}))
        span.add_link(Link(span.trace_id, span.span_id, {"why": plant("link")}))
        with mlflow.start_span("failed") as failed:
            failed.set_status(SpanStatus(SpanStatusCode.ERROR, plant("status")))


def retold(plant: Plant) -> None:
    """What is told of a trace while it is recorded."""
    with mlflow.start_span("retold") as span:
        mlflow.update_current_trace(
            tags={"told": plant("tag")},
            metadata={"told": plant("metadata")},
            request_preview=plant("request preview"),
            response_preview=plant("response preview"),
            client_request_id=plant("client's id"),
        )
        mlflow.log_feedback(trace_id=span.trace_id, value=plant("feedback meanwhile"))


def raised(plant: Plant) -> None:
    """An error that flies through two spans, with the value in a line of its stack trace."""
    with mlflow.start_span("outer"), mlflow.start_span("inner"):
        raise Caught(plant("error")) from ValueError(plant("cause of an error"))


def late(plant: Plant) -> None:
    """What a thread tells of a trace whose root has ended, and in a span that ends after it."""
    with mlflow.start_span("ends first") as root:
        child = mlflow.start_span_no_context(plant("late name"), parent_span=root)
    with safe_set_span_in_context(child):
        mlflow.update_current_trace(tags={"late": plant("late tag")})
    child.end(outputs=plant("late outputs"))


def bridged(plant: Plant) -> None:
    """A span of another library, in MLflow's provider, which ends with an error."""
    tracer = get_bridged_tracer_provider().get_tracer("another library")
    with tracer.start_as_current_span(plant("bridged name")) as span:
        span.set_attribute("note", plant("bridged attribute"))
        span.set_attribute("notes", [plant("bridged list"), "x"])
        span.add_event("told", {"what": plant("bridged event")})
        raise Caught(plant("bridged error"))


def in_session(plant: Plant) -> None:
    """A turn of a session, and what a caller's headers say of its trace."""
    whose = {"session_id": plant("session"), "user": plant("user")}
    with mlflow.tracing.context(**whose, tags={"kept": plant("tag of a context")}):
        with mlflow.start_span("turn"):
            headers = get_tracing_context_headers_for_http_request()
        told = " ".join(plant("state").split()).replace(",", "").replace("=", ":")
    state = {"tracestate": f"vendor={told}"}
    with (
        set_tracing_context_from_http_request_headers(headers | state),
        mlflow.start_span("remote") as span,
    ):
        span.set_inputs(plant("inputs of a remote span"))


def with_file(plant: Plant) -> None:
    """A file that belongs to a span."""
    with mlflow.start_span("done") as span:
        file = Attachment(content_type="text/plain", content_bytes=plant("attachment").encode())
        span.set_inputs({"file": file})


def later(plant: Plant, trace_id: str) -> None:
    """What is told of a trace that is stored already."""
    told = {"trace_id": trace_id}
    mlflow.set_trace_tag(trace_id, "later", plant("later tag"))
    given = mlflow.log_feedback(**told, name="unsure", value=0.5)
    mlflow.log_feedback(
        **told,
        name="fit",
        value=plant("feedback"),
        rationale=plant("rationale"),
        metadata={"note": plant("metadata of feedback")},
        source=AssessmentSource("HUMAN", plant("source of feedback")),
    )
    mlflow.log_feedback(**told, name="broken", error=Caught(plant("error of feedback")))
    mlflow.log_expectation(**told, name="wanted", value=[plant("expectation")])
    update = Feedback("sure", value=1.0, rationale=plant("updated rationale"))
    mlflow.update_assessment(**told, assessment_id=given.assessment_id, assessment=update)


WRITES = (written, retold, raised, late, bridged, in_session, with_file)


@dataclass(frozen=True)
class Left:
    """What was planted, by kind and place, and all that left the program."""

    secrets: Mapping[tuple[str, str], PlantedSecret]
    bytes: bytes

    def leaked(self, kind: str) -> list[str]:
        """The places whose secret of this kind is found."""
        needles = {place: one.secret for (of, place), one in self.secrets.items() if of == kind}
        both = zip(min(needles.values()), max(needles.values()), strict=True)
        begun = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], both))
        if not self._holds(begun):
            return []  # not even that with which they all begin
        return [place for place, needle in needles.items() if self._holds(needle)]

    def _holds(self, needle: str) -> bool:
        """As it is, or within something that is base64: in eight characters of that, or more.

        Fewer are found by chance in what other tests have stored.
        """
        spelt = [base64.b64encode(b" " * shift + needle.encode())[4:-4] for shift in range(3)]
        told = [text for text in spelt if len(text) >= 8]
        return any(text in self.bytes for text in (needle.encode(), *told))


def leavings(store: str, files: Path, way: str, kinds: Sequence[str], **told: Any) -> Left:
    """Plant each kind in each place, and collect database, files, OTLP, logs and stderr."""
    secrets: dict[tuple[str, str], PlantedSecret] = {}
    with said() as words, run_otlp_receiver() as receiver, pytest.MonkeyPatch.context() as patch:
        resource = secrets[kinds[0], "resource"] = plant_secrets(next(NUMBERS))[kinds[0]]
        settings = OTLP | {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": receiver.endpoint,
            "OTEL_RESOURCE_ATTRIBUTES": f"note={quote(resource.text)}",
        }
        for name, value in (settings | WAYS[way]).items():
            patch.setenv(name, value)
        name = uuid4().hex
        MlflowClient(store).create_experiment(name, artifact_location=files.as_uri())
        with enable_tracing(store, experiment=name, frameworks=(), **told):
            plants = {kind: _planter(kind, secrets) for kind in kinds}
            for plant, write in product(plants.values(), WRITES):
                with suppress(Caught):
                    write(plant)
            mlflow.flush_trace_async_logging()
            if way != "OTLP alone":
                for plant in [plants[kind] for kind in FEW if kind in plants]:
                    later(plant, str(mlflow.get_last_active_trace_id()))
            provider.get().force_flush()
    database = Path(store.removeprefix("sqlite:///"))
    kept = [*database.parent.glob(f"{database.name}*"), *files.rglob("*")]
    left = [path.read_bytes() for path in kept if path.is_file()]
    return Left(secrets, b"\n".join([*left, *receiver.bodies, words.getvalue().encode()]))


@contextmanager
def said() -> Generator[StringIO]:
    """All that is logged in the block, or written to stderr."""
    words = StringIO()
    handler = logging.StreamHandler(words)
    logging.getLogger().addHandler(handler)
    try:
        with redirect_stderr(words):
            yield words
    finally:
        logging.getLogger().removeHandler(handler)


def _planter(kind: str, secrets: dict[tuple[str, str], PlantedSecret]) -> Plant:
    def plant(place: str) -> str:
        secrets[kind, place] = secret = plant_secrets(next(NUMBERS))[kind]
        return secret.text

    return plant


@pytest.fixture(scope="module")
def batched(store: str, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """What left the program when all was planted, and left as it does by default."""
    return leavings(store, tmp_path_factory.mktemp("files"), "batched", KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_in_what_left(batched: Left, kind: str) -> None:
    assert batched.leaked(kind) == []


@pytest.mark.parametrize("way", [way for way in WAYS if way != "batched"])
def test_no_secret_leaves_in_another_way(store: str, tmp_path: Path, way: str) -> None:
    left = leavings(store, tmp_path, way, FEW)
    assert [place for kind in FEW for place in left.leaked(kind)] == []


@pytest.mark.parametrize("way", [way for way in WAYS if way != "OTLP alone"])
def test_without_redaction_there_is_one_in_each_place(store: str, tmp_path: Path, way: str) -> None:
    left = leavings(store, tmp_path, way, ("OpenAI",), redaction=None)
    assert left.leaked("OpenAI") == [place for _, place in left.secrets]


def streamed(plant: Plant) -> None:
    """A stream, each of whose chunks is a few characters of a secret."""

    def spoken() -> Iterator[str]:
        text = plant("stream")
        yield from (text[at : at + 5] for at in range(0, len(text), 5))

    def told() -> Iterator[dict[str, object]]:
        text = plant("stream of structures")
        for at in range(0, len(text), 5):
            yield {"choices": [{"delta": {"content": text[at : at + 5]}}]}

    for stream in (spoken, told):
        list(mlflow.trace(stream)())


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_in_the_chunks_of_a_stream_together(store: str, kind: str) -> None:
    secrets: dict[str, PlantedSecret] = {}

    def plant(place: str) -> str:
        secrets[place] = plant_secrets(next(NUMBERS))[kind]
        return secrets[place].text

    with enable_tracing(store, frameworks=()), record_run() as run:
        streamed(plant)
        spans = [trace.data.spans[0] for trace in run.traces()]
    for span, secret in zip(spans, secrets.values(), strict=True):
        pieces = [event.attributes["mlflow.chunk.value"] for event in span.events]
        for chunks in (map(json.loads, pieces), span.outputs):
            together = "".join(map(_content, chunks))
            assert secret.secret not in together
            assert "[redacted: " in together


def _content(chunk: Any) -> str:
    return str(chunk if isinstance(chunk, str) else chunk["choices"][0]["delta"]["content"])
