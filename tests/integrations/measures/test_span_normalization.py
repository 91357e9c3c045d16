"""Spans of every convention become one tree: rule by rule, and as real instrumentors wrote them."""

import json
from pathlib import Path
from typing import Any

import pytest

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from integrations.cases.all_cases import all_cases
from integrations.measures.run_counts import compare_run_token_totals
from integrations.measures.span_normalization import normalized_trace
from integrations.runner.case_run import CaseRun
from scenarios.player.fidelity import FidelityCount

RECORDED_TRACES = Path(__file__).parent / "foreign_traces"
"""What real instrumentors recorded, one case each."""


def span(attributes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "name": "span",
        "span_id": "a",
        "parent_span_id": None,
        "start_time_unix_nano": 1,
        "end_time_unix_nano": 2,
        "attributes": attributes,
        "status": {"code": "STATUS_CODE_UNSET", "message": ""},
        "events": [],
        **fields,
    }


def normalize(attributes: dict[str, Any], **fields: Any) -> Span:
    return normalized_trace(
        CaseRun(all_cases()[0], "any", spans=(span(attributes, **fields),))
    ).root


def recorded_trace(name: str) -> Trace:
    """The tree of a recorded file."""
    recorded = json.loads((RECORDED_TRACES / f"{name}.json").read_text("utf-8"))
    return normalized_trace(
        CaseRun(
            all_cases()[0], name, traces=tuple(recorded["traces"]), spans=tuple(recorded["spans"])
        )
    )


def agents(trace: Trace) -> list[str | None]:
    return [span.agent for span in trace.spans_of_type("AGENT")]


@pytest.mark.parametrize(
    ("attributes", "type"),
    [
        ({"openinference.span.kind": "TOOL"}, "TOOL"),
        ({"gen_ai.operation.name": "chat"}, "LLM"),
        ({"gen_ai.operation.name": "text_completion"}, "LLM"),
        ({"gen_ai.operation.name": "execute_tool"}, "TOOL"),
        ({"gen_ai.operation.name": "invoke_agent"}, "AGENT"),
        ({"gen_ai.operation.name": "create_agent"}, "UNKNOWN"),
        ({"llm.request.type": "chat"}, "LLM"),
        ({"mlflow.spanType": '"UNKNOWN"', "gen_ai.operation.name": "chat"}, "LLM"),
        ({"mlflow.spanType": '"PARSER"', "gen_ai.operation.name": "chat"}, "PARSER"),
        ({"http.method": "POST"}, "UNKNOWN"),
    ],
)
def test_the_type_of_a_span_is_read_in_any_convention(
    attributes: dict[str, Any], type: str
) -> None:
    assert normalize(attributes).type == type


def test_the_type_comes_from_the_name_if_no_attribute_has_it() -> None:
    assert normalize({}, name="execute_tool lookup").type == "TOOL"
    assert normalize({"traceloop.span.kind": "task"}, name="execute_tool lookup").type == "TASK"
    assert normalize({}, name="create_agent scout").type == "UNKNOWN"
    assert normalize({}, name="chat").type == "UNKNOWN"


def test_the_more_specific_of_two_types_counts() -> None:
    both = {"traceloop.span.kind": "task", "gen_ai.operation.name": "invoke_agent"}
    assert normalize(both).type == "TASK"


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 2},
        {"gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": 2},
        {"llm.token_count.prompt": 7, "llm.token_count.completion": 2},
        {"llm.usage.prompt_tokens": 7, "llm.usage.completion_tokens": 2},
    ],
)
def test_tokens_are_read_in_any_convention(attributes: dict[str, Any]) -> None:
    assert normalize(attributes).tokens.total == 9


def test_the_role_of_an_agent_wins_over_its_hash() -> None:
    both = {"gen_ai.agent.name": "be2fd426774a54b7", "crewai.agent.role": "scout"}
    assert normalize({"gen_ai.operation.name": "invoke_agent", **both}).agent == "scout"


@pytest.mark.parametrize(
    "attributes",
    [
        {"crewai.crew.token_usage": "total_tokens=441 prompt_tokens=396 successful_requests=3"},
        {"crewai.crew.usage_metrics": '{"total_tokens": 441, "prompt_tokens": 396}'},
        {"crewai.flow.aggregated_crew_usage_metrics": '{"total_tokens": 441, "crew_count": 2}'},
    ],
)
def test_a_token_total_is_read_in_any_convention(attributes: dict[str, Any]) -> None:
    crew = normalize({"gen_ai.operation.name": "invoke_workflow", **attributes})
    assert compare_run_token_totals(400, Trace((crew,))) == FidelityCount(400, 441)


def test_a_cost_of_zero_is_no_cost() -> None:
    assert normalize({"gen_ai.usage.cost": 0.25}).cost_usd == 0.25
    assert normalize({"gen_ai.usage.cost": 0}).cost_usd is None


@pytest.mark.parametrize(
    ("attributes", "events"),
    [
        ({"gen_ai.input.messages": '[{"parts": [{"content": "42"}]}]'}, []),
        ({"gen_ai.prompt.0.content": "42"}, []),
        ({"llm.input_messages.0.message.content": "42"}, []),
        ({}, [{"name": "gen_ai.user.message", "attributes": {"content": "42"}}]),
    ],
)
def test_a_prompt_of_digits_stays_a_text(
    attributes: dict[str, Any], events: list[dict[str, Any]]
) -> None:
    inputs = normalize(attributes, events=events).inputs
    assert "42" in json.dumps(inputs).replace('\\"', '"').split('"')


def test_an_exception_fails_a_span_with_unset_status() -> None:
    raised = {"name": "exception", "attributes": {"exception.message": "no lamp"}}
    assert normalize({}, events=[raised]).failed
    assert normalize({}, events=[raised]).status_message == "no lamp"
    assert normalize({"error.type": "Dark"}).failed
    fine = {"code": "STATUS_CODE_OK", "message": ""}
    assert not normalize({}, events=[raised], status=fine).failed


def test_a_turn_that_names_the_previous_agent_is_a_handoff() -> None:
    agent = {"openinference.span.kind": "AGENT", "graph.node.id": "clerk"}
    after = normalize(agent | {"graph.node.parent_id": "scout"}).attributes
    assert (
        after["flight_recorder.handoff.from_agent"],
        after["flight_recorder.handoff.to_agent"],
    ) == ("scout", "clerk")
    assert (
        "flight_recorder.handoff.from_agent"
        not in normalize(agent | {"graph.node.parent_id": "start"}).attributes
    )


def test_a_span_of_mlflow_is_not_changed() -> None:
    attributes = {
        "mlflow.spanType": '"LLM"',
        "mlflow.spanInputs": '"hers"',
        "mlflow.chat.tokenUsage": '{"input_tokens": 1, "output_tokens": 1}',
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.prompt.0.content": "another",
    }
    span_of_mlflow = normalize(attributes)
    assert (span_of_mlflow.inputs, span_of_mlflow.tokens.total) == ("hers", 2)


def test_a_run_without_records_has_no_roots() -> None:
    assert normalized_trace(CaseRun(all_cases()[0], "any")) == Trace(())


@pytest.mark.parametrize("name", ["openinference", "openlit"])
def test_a_recorded_turn_with_a_tool_is_read(name: str) -> None:
    trace = recorded_trace(name)
    (completion,) = trace.spans_of_type("LLM")
    assert agents(trace) == ["warden"]
    assert len(trace.spans_of_type("TOOL")) == 1
    assert completion.tokens.total == 142
    assert completion.cost_usd == pytest.approx(2.625e-05)
    assert "pass" in json.dumps(completion.inputs)


def test_a_crew_recorded_by_openllmetry_is_read() -> None:
    trace = recorded_trace("openllmetry")
    assert agents(trace) == ["crewai.workflow", "scout", "clerk"]
    assert [span.tokens.total for span in trace.spans_of_type("LLM")] == [181, 176, 84]
    assert len(trace.spans_of_type("TASK")) == 2
    assert trace.root.name == "crewai.workflow"


def test_the_telemetry_of_autogen_has_turns_and_tools_but_no_completions() -> None:
    trace = recorded_trace("opentelemetry")
    assert agents(trace) == ["warden"]
    assert len(trace.spans_of_type("TOOL")) == 1
    assert trace.spans_of_type("LLM") == ()
