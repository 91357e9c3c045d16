"""What an OTLP endpoint receives of each workflow, against OpenTelemetry's registry."""

from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToJson  # type: ignore[import-untyped]  # no stubs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from instrumentation.trace.outline import render_outline
from instrumentation.trace.trace_file import load_traces
from scenarios.player.run import run_scenario
from tests.instrumentation.export.genai_registry import find_differences, operations_of
from tests.instrumentation.export.otlp_receiver import (
    run_otlp_receiver,
    set_endpoint,
    span_attributes,
)

AGENT_OPERATIONS = {"chat", "invoke_agent"}
TOOL_OPERATIONS = AGENT_OPERATIONS | {"execute_tool"}
WORKFLOW_OPERATIONS = AGENT_OPERATIONS | {"invoke_workflow"}


@pytest.mark.parametrize(
    ("scenario", "operations"),
    [
        ("review_goes_well", WORKFLOW_OPERATIONS),
        ("briefing_goes_well", WORKFLOW_OPERATIONS | TOOL_OPERATIONS),
        ("search_goes_well", TOOL_OPERATIONS),
        ("conversation_goes_well", AGENT_OPERATIONS),
        ("media_goes_well", WORKFLOW_OPERATIONS | TOOL_OPERATIONS),
        ("stream_is_cut", WORKFLOW_OPERATIONS),
    ],
)
def test_the_export_of_a_workflow_follows_the_registry(
    scenario: str, operations: set[str], store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_otlp_receiver() as received:
        set_endpoint(received.endpoint, monkeypatch)
        run_scenario(scenario, store)
        assert [difference for span in received for difference in find_differences(span)] == []
        assert operations_of(iter(received)) == operations
        completions = [
            attributes
            for attributes in map(span_attributes, received)
            if attributes.get("gen_ai.operation.name") == "chat"
        ]
        assert all("gen_ai.input.messages" in one for one in completions)
        assert any("gen_ai.output.messages" in one for one in completions)
        assert any("gen_ai.system_instructions" in one for one in completions)
        assert any("gen_ai.usage.input_tokens" in one for one in completions)
        has_tools = any("gen_ai.tool.definitions" in one for one in completions)
        assert has_tools == ("execute_tool" in operations)


def test_an_exported_trace_is_read_back_under_mlflows_names(
    store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    request, path = ExportTraceServiceRequest(), tmp_path / "otlp.json"
    with run_otlp_receiver() as received:
        set_endpoint(received.endpoint, monkeypatch)
        (variant,) = run_scenario("review_goes_well", store).variants
        for body in received.bodies:
            request.MergeFromString(body)
    path.write_text(MessageToJson(request))
    (read,) = load_traces(path)
    assert variant.trace is not None
    assert render_outline(read) == render_outline(variant.trace)
