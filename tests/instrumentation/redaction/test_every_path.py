"""Redaction on every path out of the process: secrets are planted everywhere and searched for."""

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
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from instrumentation.redaction import DEFAULT_REDACTION
from instrumentation.tracing import enable_tracing, record_run
from tests.instrumentation.export.otlp_receiver import run_otlp_receiver
from tests.instrumentation.redaction.planted_secrets import PlantedSecret, plant_secrets

KINDS = tuple(plant_secrets(0))
OTLP = {
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
    "MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT": "true",
}
SAMPLED_KINDS = KINDS[::6]
EXPORT_MODES: dict[str, dict[str, str]] = {
    "batched": {},
    "one by one": {"MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false"},
    "OTLP alone": {"MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT": "false"},
}
NUMBERS = count(1)
PlantSecret = Callable[[str], str]
"""Creates the text to plant at the given place."""


class ExpectedError(Exception):
    """Raised inside a span, to be recorded."""


def write_span(plant: PlantSecret) -> None:
    """Write into all parts of a span."""
    with mlflow.start_span(plant("name"), attributes={"note": plant("attribute")}) as span:
        span.set_inputs({"question": [plant("inputs"), {plant("key of inputs"): (1, None)}]})
        span.set_outputs(plant("outputs"))
        span.set_attribute(plant("key of attribute")[:200], 1)
        span.add_event(SpanEvent(plant("event"), attributes={"note": plant("event's attribute")}))
        span.add_link(Link(span.trace_id, span.span_id, {"why": plant("link")}))
        with mlflow.start_span("failed") as failed:
            failed.set_status(SpanStatus(SpanStatusCode.ERROR, plant("status")))


def update_open_trace(plant: PlantSecret) -> None:
    """Write tags, metadata, previews and feedback while a trace is recorded."""
    with mlflow.start_span("updated") as span:
        mlflow.update_current_trace(
            tags={"note": plant("tag")},
            metadata={"note": plant("metadata")},
            request_preview=plant("request preview"),
            response_preview=plant("response preview"),
            client_request_id=plant("client's id"),
        )
        name, value = plant("name of feedback meanwhile"), plant("feedback meanwhile")
        mlflow.log_feedback(trace_id=span.trace_id, name=name, value=value)


def raise_in_spans(plant: PlantSecret) -> None:
    """Raise an error through two spans, with a secret in its stack trace."""
    with mlflow.start_span("outer"), mlflow.start_span("inner"):
        raise ExpectedError(plant("error")) from ValueError(plant("cause of an error"))


def write_after_the_root(plant: PlantSecret) -> None:
    """Write a tag after the root has ended, and a span that ends after it."""
    with mlflow.start_span("ends first") as root:
        child = mlflow.start_span_no_context(plant("late name"), parent_span=root)
    with safe_set_span_in_context(child):
        mlflow.update_current_trace(tags={"late": plant("late tag")})
    child.end(outputs=plant("late outputs"))


def write_bridged_span(plant: PlantSecret) -> None:
    """Write a span of another library in MLflow's provider, which ends with an error."""
    tracer = get_bridged_tracer_provider().get_tracer("another library")
    with tracer.start_as_current_span(plant("bridged name")) as span:
        span.set_attribute("note", plant("bridged attribute"))
        span.set_attribute("notes", [plant("bridged list"), "x"])
        span.add_event("note", {"what": plant("bridged event")})
        raise ExpectedError(plant("bridged error"))


def write_session(plant: PlantSecret) -> None:
    """Write a turn of a session, and the trace state of a remote caller."""
    context = {"session_id": plant("session"), "user": plant("user")}
    with mlflow.tracing.context(**context, tags={"kept": plant("tag of a context")}):
        with mlflow.start_span("turn"):
            headers = get_tracing_context_headers_for_http_request()
        trace_state = " ".join(plant("state").split()).replace(",", "").replace("=", ":")
    state = {"tracestate": f"vendor={trace_state}"}
    with (
        set_tracing_context_from_http_request_headers(headers | state),
        mlflow.start_span("remote") as span,
    ):
        span.set_inputs(plant("inputs of a remote span"))


def write_attachment(plant: PlantSecret) -> None:
    """Write an attachment of a span."""
    with mlflow.start_span("done") as span:
        file = Attachment(content_type="text/plain", content_bytes=plant("attachment").encode())
        span.set_inputs({"file": file})


def write_after_storing(plant: PlantSecret, trace_id: str) -> None:
    """Write tags and assessments of a trace that is already stored."""
    target = {"trace_id": trace_id}
    mlflow.set_trace_tag(trace_id, "later", plant("later tag"))
    feedback = mlflow.log_feedback(**target, name="unsure", value=0.5)
    mlflow.log_feedback(
        **target,
        name="fit",
        value=plant("feedback"),
        rationale=plant("rationale"),
        metadata={"note": plant("metadata of feedback")},
        source=AssessmentSource("HUMAN", plant("source of feedback")),
    )
    mlflow.log_feedback(**target, name=plant("name of feedback"), value=True)
    mlflow.log_expectation(**target, name=plant("name of an expectation"), value=1)
    mlflow.log_feedback(**target, name="broken", error=ExpectedError(plant("error of feedback")))
    mlflow.log_expectation(**target, name="wanted", value=[plant("expectation")])
    update = Feedback("sure", value=1.0, rationale=plant("updated rationale"))
    mlflow.update_assessment(**target, assessment_id=feedback.assessment_id, assessment=update)


WRITERS = (
    write_span,
    update_open_trace,
    raise_in_spans,
    write_after_the_root,
    write_bridged_span,
    write_session,
    write_attachment,
)


@dataclass(frozen=True)
class Output:
    """The planted secrets, by kind and place, and all bytes that left the process."""

    secrets: Mapping[tuple[str, str], PlantedSecret]
    bytes: bytes

    def leaked(self, kind: str) -> list[str]:
        """Return the places whose secret of this kind is in the bytes."""
        secrets = {
            place: one.secret
            for (secret_kind, place), one in self.secrets.items()
            if secret_kind == kind
        }
        pairs = zip(min(secrets.values()), max(secrets.values()), strict=True)
        common_prefix = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if not self._contains(common_prefix):
            return []  # not even their common prefix
        return [place for place, secret in secrets.items() if self._contains(secret)]

    def _contains(self, secret: str) -> bool:
        """Search for a secret verbatim, or base64-encoded if that has at least eight characters.

        Fewer characters occur by chance in the data of other tests.
        """
        encodings = [base64.b64encode(b" " * shift + secret.encode())[4:-4] for shift in range(3)]
        long_enough = [text for text in encodings if len(text) >= 8]
        return any(text in self.bytes for text in (secret.encode(), *long_enough))


def collect_output(
    store: str, files: Path, mode: str, kinds: Sequence[str], **options: Any
) -> Output:
    """Plant each kind in each place, and collect database, files, OTLP, logs and stderr."""
    secrets: dict[tuple[str, str], PlantedSecret] = {}
    with (
        captured_logs() as log_text,
        run_otlp_receiver() as receiver,
        pytest.MonkeyPatch.context() as patch,
    ):
        resource = secrets[kinds[0], "resource"] = plant_secrets(next(NUMBERS))[kinds[0]]
        settings = OTLP | {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": receiver.endpoint,
            "OTEL_RESOURCE_ATTRIBUTES": f"note={quote(resource.text)}",
        }
        for name, value in (settings | EXPORT_MODES[mode]).items():
            patch.setenv(name, value)
        name = uuid4().hex
        MlflowClient(store).create_experiment(name, artifact_location=files.as_uri())
        with enable_tracing(store, experiment=name, frameworks=(), **options):
            plants = {kind: _planter(kind, secrets) for kind in kinds}
            for plant, write in product(plants.values(), WRITERS):
                with suppress(ExpectedError):
                    write(plant)
            mlflow.flush_trace_async_logging()
            if mode != "OTLP alone":
                for plant in [plants[kind] for kind in SAMPLED_KINDS if kind in plants]:
                    write_after_storing(plant, str(mlflow.get_last_active_trace_id()))
            provider.get().force_flush()
    database = Path(store.removeprefix("sqlite:///"))
    files_written = [*database.parent.glob(f"{database.name}*"), *files.rglob("*")]
    output = [path.read_bytes() for path in files_written if path.is_file()]
    return Output(secrets, b"\n".join([*output, *receiver.bodies, log_text.getvalue().encode()]))


@contextmanager
def captured_logs() -> Generator[StringIO]:
    """Capture everything that is logged or written to stderr in the block."""
    log_text = StringIO()
    handler = logging.StreamHandler(log_text)
    logging.getLogger().addHandler(handler)
    try:
        with redirect_stderr(log_text):
            yield log_text
    finally:
        logging.getLogger().removeHandler(handler)


def _planter(kind: str, secrets: dict[tuple[str, str], PlantedSecret]) -> PlantSecret:
    def plant(place: str) -> str:
        secrets[kind, place] = secret = plant_secrets(next(NUMBERS))[kind]
        return secret.text

    return plant


@pytest.fixture(scope="module")
def batched_output(store: str, tmp_path_factory: pytest.TempPathFactory) -> Output:
    """The output in the default mode, with each kind of secret in each place."""
    return collect_output(store, tmp_path_factory.mktemp("files"), "batched", KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_in_the_output(batched_output: Output, kind: str) -> None:
    assert batched_output.leaked(kind) == []


@pytest.mark.parametrize("mode", [mode for mode in EXPORT_MODES if mode != "batched"])
def test_no_secret_is_in_the_output_of_other_export_modes(
    store: str, tmp_path: Path, mode: str
) -> None:
    output = collect_output(store, tmp_path, mode, SAMPLED_KINDS)
    assert [place for kind in SAMPLED_KINDS for place in output.leaked(kind)] == []


@pytest.mark.parametrize("mode", [mode for mode in EXPORT_MODES if mode != "OTLP alone"])
def test_without_redaction_each_place_leaks_its_secret(
    store: str, tmp_path: Path, mode: str
) -> None:
    output = collect_output(store, tmp_path, mode, ("OpenAI",), redaction=None)
    assert output.leaked("OpenAI") == [place for _, place in output.secrets]


def write_streams(plant: PlantSecret) -> None:
    """Write streams whose chunks are a few characters of a secret each."""

    def text_stream() -> Iterator[str]:
        text = plant("stream")
        yield from (text[start : start + 5] for start in range(0, len(text), 5))

    def structure_stream() -> Iterator[dict[str, object]]:
        text = plant("stream of structures")
        for start in range(0, len(text), 5):
            yield {"choices": [{"delta": {"content": text[start : start + 5]}}]}

    for stream in (text_stream, structure_stream):
        list(mlflow.trace(stream)())


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_in_the_joined_chunks_of_a_stream(store: str, kind: str) -> None:
    secrets: dict[str, PlantedSecret] = {}

    def plant(place: str) -> str:
        secrets[place] = plant_secrets(next(NUMBERS))[kind]
        return secrets[place].text

    with enable_tracing(store, frameworks=()), record_run() as run:
        write_streams(plant)
        spans = [trace.data.spans[0] for trace in run.traces()]
    for span, secret in zip(spans, secrets.values(), strict=True):
        values = [event.attributes["mlflow.chunk.value"] for event in span.events]
        for chunks in (map(json.loads, values), span.outputs):
            joined = "".join(map(_content, chunks))
            assert secret.secret not in joined
            assert "[redacted: " in joined


def _content(chunk: Any) -> str:
    return str(chunk if isinstance(chunk, str) else chunk["choices"][0]["delta"]["content"])


def test_a_span_that_a_program_made_by_hand_is_redacted() -> None:
    attributes = {"note": "of ann@mail.example.org", "mlflow.experimentId": "4111111111111111"}
    context = SpanContext(1, 2, is_remote=False)
    span = ReadableSpan("made by hand", context, attributes=attributes, parent=context)
    DEFAULT_REDACTION.redact_span(span)
    assert dict(span.attributes or {}) == attributes | {"note": "of [redacted: e-mail]"}
