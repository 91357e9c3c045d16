"""Reading traces from files: exports of MLflow 2 and 3, OTLP JSON, and files of other kinds."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from mlflow.entities import SpanStatus, SpanStatusCode
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from instrumentation.trace import Trace, TraceNotFoundError
from instrumentation.trace.outline import render_outline
from instrumentation.trace.trace_file import load_traces
from instrumentation.tracing import enable_tracing, record_run
from scenarios.player.scenario_loader import scenario_folder
from tests.instrumentation.export.otlp_receiver import run_otlp_receiver, set_endpoint
from tests.support.forks.forking_python import forking_python

OUTLINE = (
    "review  [CHAIN OK]\n"
    "  writer  [AGENT OK]\n"
    "    chat  [LLM OK]  7 tokens in, 2 out\n"
    "    look_up  [TOOL ERROR]  (Quito)  ! no such city\n"
)
USAGE = {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}


@pytest.fixture(scope="module")
def exported(store: str) -> tuple[dict[str, Any], list[Any], str]:
    """A trace as MLflow exports it, the OTLP requests with it, and its store."""
    with pytest.MonkeyPatch.context() as patch, run_otlp_receiver() as received:
        set_endpoint(received.endpoint, patch)
        patch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        with enable_tracing(store, frameworks=(), experiment="files"), record_run() as run:
            with (
                mlflow.start_span("review", span_type="CHAIN") as root,
                mlflow.start_span("writer", span_type="AGENT"),
            ):
                root.set_outputs({"answer": "2.8 million"})
                with mlflow.start_span("chat", span_type="LLM") as chat:
                    chat.set_attribute("mlflow.chat.tokenUsage", USAGE)
                tool = mlflow.start_span_no_context(
                    "look_up",
                    span_type="TOOL",
                    parent_span=mlflow.get_current_active_span(),
                    inputs={"city": "Quito"},
                )
                tool.set_status(SpanStatus(SpanStatusCode.ERROR, "no such city"))
                tool.end()
            (trace,) = run.traces()
        requests = [
            MessageToDict(ExportTraceServiceRequest.FromString(body)) for body in received.bodies
        ]
    return trace.to_dict(), requests, store


def to_mlflow2(trace: dict[str, Any]) -> dict[str, Any]:
    """The trace as MLflow 2.22 writes it."""
    info = trace["info"]
    spans = [
        {
            "name": span["name"],
            "context": {"span_id": span["span_id"], "trace_id": span["trace_id"]},
            "parent_id": span["parent_span_id"],
            "start_time": span["start_time_unix_nano"],
            "end_time": span["end_time_unix_nano"],
            "status_code": span["status"]["code"].removeprefix("STATUS_CODE_"),
            "status_message": span["status"]["message"],
            "attributes": span["attributes"],
            "events": [],
        }
        for span in trace["data"]["spans"]
    ]
    return {
        "info": {
            "request_id": "3f0c",
            "experiment_id": "1",
            "timestamp_ms": 1,
            "execution_time_ms": 2,
            "status": info["state"],
            "request_metadata": {},
            "tags": [{"key": "mlflow.traceName", "value": "review"}],
        },
        "data": {"spans": spans, "request": "{}", "response": "{}"},
    }


Shape = Callable[[dict[str, Any], list[Any]], Any]


@pytest.mark.parametrize(
    "shape",
    [
        lambda trace, _: trace,
        lambda trace, _: [trace],
        lambda trace, _: {"traces": [trace], "next_page_token": None},
        lambda trace, _: {"trace": trace},
        lambda trace, _: [{"trace_id": "tr-1", "trace": json.dumps(trace), "spans": []}],
        lambda trace, _: [{"trace_id": "tr-1", "spans": trace["data"]["spans"]}],
        lambda trace, _: trace["data"],
        lambda trace, _: to_mlflow2(trace),
        lambda trace, _: [to_mlflow2(trace)],
        lambda _, requests: requests,
        lambda _, requests: {"resourceSpans": [one["resourceSpans"][0] for one in requests]},
    ],
    ids=[
        "v3",
        "list",
        "search",
        "get",
        "table",
        "column",
        "spans",
        "v2",
        "v2-list",
        "otlp-list",
        "otlp",
    ],
)
def test_each_export_of_a_trace_reads_the_same(
    shape: Shape, exported: tuple[dict[str, Any], list[Any], str], tmp_path: Path
) -> None:
    file = tmp_path / "export.json"
    file.write_text(json.dumps(shape(*exported[:2])))
    (trace,) = load_traces(file)
    assert render_outline(trace) == OUTLINE
    assert trace.root.outputs == {"answer": "2.8 million"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le-bom"])
def test_a_byte_order_mark_is_ignored(
    encoding: str, exported: tuple[dict[str, Any], list[Any], str], tmp_path: Path
) -> None:
    file = tmp_path / "export.json"
    text = json.dumps(exported[0])
    file.write_bytes(
        b"\xff\xfe" + text.encode("utf-16-le")
        if encoding == "utf-16-le-bom"
        else text.encode(encoding)
    )
    assert render_outline(load_traces(file)[0]) == OUTLINE


def test_json_lines_of_otlp_are_one_trace(
    exported: tuple[dict[str, Any], list[Any], str], tmp_path: Path
) -> None:
    """The file exporter of OpenTelemetry's collector writes one request per line."""
    file = tmp_path / "otlp.jsonl"
    (request,) = exported[1]
    (resource,) = request["resourceSpans"]
    spans = [span for scope in resource["scopeSpans"] for span in scope["spans"]]
    lines = [{"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]} for span in spans]
    file.write_text("\n".join(map(json.dumps, lines)) + "\n")
    assert render_outline(load_traces(file)[0]) == OUTLINE


@pytest.mark.long
def test_the_output_of_mlflows_command_line_is_read(
    exported: tuple[dict[str, Any], list[Any], str], tmp_path: Path
) -> None:
    trace, _, store = exported
    experiment = trace["info"]["trace_location"]["mlflow_experiment"]["experiment_id"]
    for number, arguments in enumerate(
        [
            ["search", "--experiment-id", experiment, "--output", "json"],
            ["get", "--trace-id", trace["info"]["trace_id"]],
        ]
    ):
        done = subprocess.run(
            [forking_python(), "-m", "mlflow", "traces", *arguments],
            env=os.environ | {"MLFLOW_TRACKING_URI": store},
            stdout=subprocess.PIPE,
            check=True,
            timeout=120,
        )
        (tmp_path / f"{number}.json").write_bytes(done.stdout)
        (read,) = load_traces(tmp_path / f"{number}.json")
        assert render_outline(read) == OUTLINE


def otlp_span(name: str, parent: str = "", **attributes: Any) -> dict[str, Any]:
    values = {str: "stringValue", int: "intValue", dict: "kvlistValue"}
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": name,
        "parentSpanId": parent,
        "name": name,
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": "1544712661000000000",
        "attributes": [
            {"key": key.replace("__", "."), "value": {values[type(value)]: value}}
            for key, value in attributes.items()
        ],
        "status": {"code": 1},
    }


def load_otlp(folder: Path, *spans: dict[str, Any]) -> tuple[Trace, ...]:
    file = folder / "otlp.json"
    file.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}))
    return load_traces(file)


def test_otlp_of_other_instrumentations_has_types_agents_tools_and_tokens(tmp_path: Path) -> None:
    (trace,) = load_otlp(
        tmp_path,
        otlp_span("invoke_workflow", gen_ai__operation__name="invoke_workflow"),
        otlp_span(
            "invoke_agent x",
            "invoke_workflow",
            gen_ai__operation__name="invoke_agent",
            gen_ai__agent__name="writer",
        ),
        otlp_span(
            "ChatCompletion",
            "invoke_agent x",
            openinference__span__kind="LLM",
            input__value='{"messages": ["hello"]}',
            output__value="a text",
            llm__token_count__prompt="7",
            gen_ai__usage__output_tokens=2,
        ),
        otlp_span(
            "execute_tool look_up",
            "invoke_agent x",
            gen_ai__operation__name="execute_tool",
            gen_ai__tool__name="look_up",
            gen_ai__tool__call__arguments='{"city": "Quito"}',
        ),
    )
    root, agent, *_ = trace
    (tool,), (chat,) = trace.spans_of_type("TOOL"), trace.spans_of_type("LLM")
    assert (root.type, agent.type, trace.agents) == ("CHAIN", "AGENT", ("writer",))
    assert (tool.name, tool.inputs) == ("look_up", {"city": "Quito"})
    assert (chat.inputs, chat.outputs) == ({"messages": ["hello"]}, "a text")
    assert chat.tokens.output == 2


def test_several_runs_in_one_file_are_several_traces(tmp_path: Path) -> None:
    one, other = otlp_span("a"), otlp_span("b") | {"traceId": "other"}
    assert [trace.root.name for trace in load_otlp(tmp_path, one, other)] == ["a", "b"]


def test_the_turns_of_a_session_in_one_file_are_one_trace(tmp_path: Path) -> None:
    turns = [otlp_span("turn", session__id="s") | {"traceId": id} for id in ("1", "2")]
    (trace,) = load_otlp(tmp_path, *turns)
    assert (len(trace.roots), str(trace.session)) == (2, "session s")


def test_an_otlp_span_without_an_end_never_ended(tmp_path: Path) -> None:
    (trace,) = load_otlp(tmp_path, otlp_span("a") | {"endTimeUnixNano": "0"})
    assert render_outline(trace) == "a  [UNKNOWN IN_PROGRESS]  ! the span never ended\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"fixtures": [{"match": {"userMessage": "x"}, "response": {}}]}, "an aimock fixture"),
        ({"interactions": [], "version": 1}, "a vcrpy cassette"),
        ({"lane": "a", "origin": "scripted", "reply": {"content": "x"}}, "it is a tape"),
        ({"log": {"entries": []}}, "a HAR file"),
        ({"resourceLogs": []}, "OTLP logs"),
        ({"data": [{"traceID": "1", "spans": [{"spanID": "1"}]}]}, "an export of Jaeger"),
        ([{"traceId": "1", "id": "1", "localEndpoint": {}}], "an export of Zipkin"),
        ({"context": {}, "start_time": "2026", "kind": "SpanKind.INTERNAL"}, "console exporter"),
        ({"scenario": "x", "passed": True, "variants": []}, "`run` or `check` prints"),
        ({"a": 1, "b": 2}, "(its keys: 'a', 'b')"),
        ([], "JSON without any trace"),
        (None, "JSON without any trace"),
        (7, "JSON without any trace"),
        ({"resourceSpans": []}, "expected MLflow's JSON"),
        ({"data": {"spans": []}}, "without any spans"),
        ({"traces": []}, "without any spans"),
    ],
)
def test_a_file_of_another_kind_is_named(content: Any, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(json.dumps(content))
    with pytest.raises(TraceNotFoundError, match=r"other\.json: ") as error:
        load_traces(file)
    assert sentence in str(error.value)
    assert "`mlflow traces search --output json`" in str(error.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"trace_id  state\ntr-1  OK\n", "it is not JSON"),
        (b"\x1f\x8b\x08\x00", "it is not a text file: byte 1"),
        (b'{"resourceSpans": [' + b"[" * 100_000, "nested too deep"),
        (b'{"data": {"spans": [{"start_time_unix_nano": 1e400}]}}', "1e400 is too large"),
        (b"\xff\xfea", "it is not a text file: byte 2 is not UTF-16"),
        (b'{"a": 1}\n{"a": ', "it is not JSON (Expecting value: line 2 column 7 (char 15))"),
        (b'{"data": {"spans": [{"name": "a"}]}}', "span 1 ('a'): \"span_id\" is missing"),
        (b'{"data": {"spans": [1, null]}}', "without any spans"),
        (b'{"data": {"spans": ' + b"9" * 5000 + b"}}", "is too large"),
    ],
)
def test_a_damaged_file_is_reported(content: bytes, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "damaged.json"
    file.write_bytes(content)
    with pytest.raises(TraceNotFoundError, match=r"damaged\.json: ") as error:
        load_traces(file)
    assert sentence in str(error.value)


def test_a_recorded_trace_is_read_with_a_byte_order_mark(tmp_path: Path) -> None:
    recorded = scenario_folder("review_goes_well").recorded_trace("twin").read_text("utf-8")
    (tmp_path / "twin.json").write_text(recorded, "utf-8-sig")
    assert load_traces(tmp_path / "twin.json")[0].root.name == "review"
