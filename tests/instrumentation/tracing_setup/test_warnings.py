"""Tracing says at its start what it cannot record, with the reason and the fix."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import mlflow
import pytest
from autogen_agentchat.agents import AssistantAgent

from instrumentation.tracing import enable_tracing, record_run
from tests.support.autogen_agents import agent, load_trace, replay_lines, tool_calls_line

Warnings = Callable[[], list[str]]


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Warnings:
    """Return the warnings that the project's own code has logged so far."""

    def read() -> list[str]:
        return [
            record.getMessage()
            for record in caplog.records
            if record.name.startswith(("instrumentation", "patches"))
        ]

    return read


@pytest.fixture
def _old_autogen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the installed AutoGen look like a version that is too old for the patches."""
    metadata = tmp_path / "autogen_agentchat-0.6.1.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: autogen-agentchat\nVersion: 0.6.1\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("_old_autogen")
def test_an_unsupported_version_is_named_with_the_supported_range(
    store: str, warnings: Warnings
) -> None:
    before = AssistantAgent.__dict__["on_messages_stream"]
    with enable_tracing(store, frameworks=["autogen"]):
        assert AssistantAgent.__dict__["on_messages_stream"] is before
    (warning,) = [text for text in warnings() if "autogen-agentchat" in text]
    assert "needs autogen-agentchat >=0.7,<0.8, but 0.6.1 is installed" in warning
    assert "autogen.turn_spans: the agents of an AutoGen team have no span" in warning


def count_letters(text: str) -> int:
    """Count the letters of a text."""
    return len(text)


async def test_changed_code_is_named_once_and_everything_else_is_recorded(
    tmp_path: Path, store: str, warnings: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = AssistantAgent._execute_tool_call

    def execute_renamed(call: Any = None, **kwargs: Any) -> Any:
        return execute(**kwargs)

    monkeypatch.setattr(AssistantAgent, "_execute_tool_call", staticmethod(execute_renamed))
    calls = tool_calls_line("a", ("count_letters", {"text": "four"}))
    with (
        enable_tracing(store, frameworks=["autogen"]),
        replay_lines(tmp_path, calls) as replay,
        record_run() as run,
    ):
        result = await agent(replay, "a", tools=[count_letters]).run(task="x")
    trace = load_trace(run)
    assert result.messages[-1].to_text() == "4"
    assert [len(trace.spans_of_type(each)) for each in ("AGENT", "LLM", "TOOL")] == [1, 1, 0]
    (warning,) = warnings()
    assert (
        "_execute_tool_call is expected to take (tool_call, …), but takes (call, kwargs)" in warning
    )
    assert "autogen.tool_spans: the tool calls of an AutoGen agent have no span" in warning


def test_supported_versions_give_no_warning(store: str, warnings: Warnings) -> None:
    with enable_tracing(store):
        pass
    assert warnings() == []


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("MLFLOW_TRACE_SAMPLING_RATIO", "0")]
)
def test_a_setting_that_drops_all_traces_is_named(
    store: str, warnings: Warnings, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with enable_tracing(store, frameworks=[]):
        pass
    (warning,) = warnings()
    assert warning.startswith(f"No span will be recorded: {name}={value}")


@pytest.mark.parametrize(
    "name",
    [
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "OTEL_SPAN_LINK_COUNT_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ],
)
def test_a_limit_that_cuts_spans_off_is_named_once(
    store: str, warnings: Warnings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "100")
    with enable_tracing(store, frameworks=[]):
        for _ in range(2):
            with mlflow.start_span("work") as span:
                span.set_attribute("key", "value")
    (warning,) = warnings()
    assert warning.startswith(f"Spans will be incomplete, because {name}=100 is set")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE", "10"),
        ("MLFLOW_TRACE_BUFFER_MAX_SIZE", "10"),
        ("MLFLOW_TRACE_BUFFER_TTL_SECONDS", "60"),
        ("MLFLOW_TRACE_TIMEOUT_SECONDS", "60"),
    ],
)
def test_a_setting_that_loses_traces_is_named(
    store: str, warnings: Warnings, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with enable_tracing(store, frameworks=[]):
        pass
    (warning,) = warnings()
    assert warning.startswith(f"Traces can be lost, because {name}={value} is set: ")


def test_an_experiment_of_the_environment_that_is_not_used_is_named(
    store: str, warnings: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    with enable_tracing(store, frameworks=[], experiment="mine"):
        assert warnings() == []
    with enable_tracing(store, frameworks=[], experiment="theirs"):
        pass
    (warning,) = warnings()
    assert "the experiment 'theirs', although MLFLOW_EXPERIMENT_NAME=mine is set" in warning


def test_a_setting_that_is_not_a_number_is_named(
    store: str, warnings: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow reads it as a span starts, and then records none."""
    monkeypatch.setenv("MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE", "many")
    with enable_tracing(store, frameworks=[]):
        pass
    (warning,) = warnings()
    assert warning.startswith("No span will be recorded: Failed to convert 'many'")


def test_a_failed_span_with_many_attributes_keeps_all_of_them(store: str) -> None:
    with (
        enable_tracing(store, frameworks=[]),
        record_run() as run,
        suppress(ZeroDivisionError),
        mlflow.start_span("work") as span,
    ):
        span.set_attributes({f"key {number}": number for number in range(200)})
        raise ZeroDivisionError
    (trace,) = run.traces()
    (stored,) = trace.data.spans
    assert trace.info.state == "ERROR"
    assert {f"key {number}" for number in range(200)} <= set(stored.attributes)


def test_a_span_with_many_links_and_large_events_keeps_them(store: str) -> None:
    with enable_tracing(store, frameworks=[]), record_run() as run:
        with mlflow.start_span("first") as first:
            pass
        with mlflow.start_span("work") as span:
            attributes = {f"key {number}": number for number in range(200)}
            span.add_event(mlflow.entities.SpanEvent("event", attributes=attributes))
            for _ in range(200):
                span.add_link(mlflow.entities.Link(first.trace_id, first.span_id))
    spans = [span for trace in run.traces() for span in trace.data.spans]
    (stored,) = (span for span in spans if span.name == "work")
    assert len(stored.events[0].attributes) == 200
    assert len(stored.links) == 200
