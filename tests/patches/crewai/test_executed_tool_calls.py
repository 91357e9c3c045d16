"""A completion whose tool call CrewAI executes itself is recorded like any other."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from instrumentation.steps.step_collection import collect_steps
from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from tests.support.autogen_agents import load_trace, replay_lines, reply_line, trace_outline
from tests.support.crewai_crews import llm, lookup_line

USAGE = {"prompt_tokens": 11, "completion_tokens": 5}
MODELS: list[dict[str, Any]] = [{}, {"stream": True}, {"api": "responses"}]
Lookup = Callable[[str], Any]


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def look(country: str) -> str:
    return f"the value of {country}"


def fail(country: str) -> str:
    raise LookupError(f"there is no country {country}")


def call_model(tmp_path: Path, function: Lookup, **settings: Any) -> tuple[Any, Trace]:
    """Return the result and the trace of a call whose reply requests a tool."""
    line = lookup_line("a", "FR")
    line |= {"reply": line["reply"] | {"usage": USAGE}}
    with replay_lines(tmp_path, line, reply_line("a", "unused")) as replay, record_run() as run:
        result = llm(replay, "a", **settings).call(
            "go on", available_functions={"lookup": function}
        )
        assert len(replay.ledger.exchanges) == 1
    return result, load_trace(run)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("function", "tool_status"), [(look, "OK"), (fail, "ERROR")])
def test_the_completion_has_the_tool_call_of_the_reply_and_its_tokens(
    tmp_path: Path, model: dict[str, Any], function: Lookup, tool_status: str
) -> None:
    _, trace = call_model(tmp_path, function, **model)
    assert trace_outline(trace) == ["chat_completion LLM OK", f"  lookup TOOL {tool_status}"]
    (call,) = trace.root.outputs["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "lookup"
    assert '"FR"' in call["function"]["arguments"]
    assert (trace.root.tokens.input, trace.root.tokens.output) == (11, 5)
    assert trace.root.attributes["gen_ai.response.finish_reasons"]


def test_the_error_of_the_tool_is_on_its_own_span(tmp_path: Path) -> None:
    _, trace = call_model(tmp_path, fail)
    (tool,) = trace.root.children
    assert "there is no country FR" in tool.status_message
    assert trace.root.outputs["choices"][0]["finish_reason"] == "tool_calls"


def test_the_step_of_the_completion_does_not_have_the_result_of_the_tool(tmp_path: Path) -> None:
    with collect_steps() as log:
        call_model(tmp_path, look)
    results = {step.kind: step.result for step in log.steps}
    assert results == {"completion": None, "tool": "the value of FR"}


def test_the_result_of_the_call_is_unchanged(tmp_path: Path) -> None:
    result, _ = call_model(tmp_path, look)
    assert result == "the value of FR"
