"""A call that a crew makes: a completion or a tool, shown as it was, whatever became of it."""

from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import mlflow
import orjson
import pytest
from crewai import Agent
from crewai.events import LLMCallStartedEvent, crewai_event_bus
from crewai.llms.providers.openai.completion import OpenAICompletion
from crewai.tools import tool
from openai import InternalServerError

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import Fault, cuts_stream, rate_limited, unavailable
from tests.support.autogen_agents import (
    API_KEY,
    Line,
    load_trace,
    replay_lines,
    reply_line,
    trace_outline,
)
from tests.support.crewai_crews import agent, crew, llm, lookup, lookup_line, task
from workflows.model import AGENT_HEADER

ANSWER = (lookup_line("a", "FR"), reply_line("a", "done"))


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def worked(
    tmp_path: Path,
    *lines: Line,
    faults: tuple[Fault, ...] = (),
    fails: type[Exception] | None = None,
    **settings: Any,
) -> Trace:
    """The trace of one agent with one task."""
    with replay_lines(tmp_path, *lines, faults=faults) as replay, record_run() as run:
        team = crew(task(agent(replay, "a", **{"tools": [lookup]} | settings), "work"))
        with pytest.raises(fails) if fails else nullcontext():
            team.kickoff()
    return load_trace(run)


@pytest.mark.xfail(reason="what lies five levels deep is a repr", raises=AssertionError)
def test_crewai_alone_tells_of_the_messages_as_they_are(tmp_path: Path) -> None:
    asked: list[str] = []
    with crewai_event_bus.scoped_handlers(), replay_lines(tmp_path, *ANSWER) as replay:

        @crewai_event_bus.on(LLMCallStartedEvent)
        def _(source: Any, event: LLMCallStartedEvent) -> None:
            for message in event.messages or ():
                if isinstance(message, dict):
                    asked.extend(c["function"]["name"] for c in message.get("tool_calls", ()))

        crew(task(agent(replay, "a", tools=[lookup]), "work")).kickoff()
        crewai_event_bus.flush()
    assert asked == ["lookup"]


@pytest.mark.usefixtures("recording")
def test_a_completion_shows_what_was_sent(tmp_path: Path) -> None:
    with replay_lines(tmp_path, *ANSWER) as replay, record_run() as run:
        crew(task(agent(replay, "a", tools=[lookup]), "work")).kickoff()
    served = orjson.dumps([exchange.request["messages"] for exchange in replay.ledger.exchanges])
    named = served.replace(b"call_1", b"call_a_1")  # the ledger numbers calls in its own way
    completions = load_trace(run).spans_of_type("LLM")
    assert [span.inputs["messages"] for span in completions] == orjson.loads(named)
    assert [span.inputs["tools"][0]["function"]["name"] for span in completions] == ["lookup"] * 2


@pytest.mark.usefixtures("recording")
def test_a_completion_shows_what_was_answered(tmp_path: Path) -> None:
    completions = worked(tmp_path, *ANSWER).spans_of_type("LLM")
    first, second = (completion.outputs["choices"][0] for completion in completions)
    (call,) = first["message"]["tool_calls"]
    assert (call["function"]["name"], first["finish_reason"]) == ("lookup", "tool_calls")
    assert second["message"] == {"role": "assistant", "content": "done"}


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("streamed", [False, True])
def test_tokens_are_those_that_were_spent(tmp_path: Path, streamed: bool) -> None:
    with replay_lines(tmp_path, *ANSWER) as replay, record_run() as run:
        crew(task(agent(replay, "a", tools=[lookup], llm={"stream": streamed}), "work")).kickoff()
    spent = [(e.input_tokens, e.output_tokens) for e in replay.ledger.exchanges]
    counted = [span.tokens for span in load_trace(run).spans_of_type("LLM")]
    assert [(tokens.input, tokens.output) for tokens in counted] == spent


@pytest.mark.usefixtures("recording")
def test_a_streamed_completion_shows_when_it_began_to_answer(tmp_path: Path) -> None:
    trace = worked(tmp_path, reply_line("a", "done at last"), llm={"stream": True})
    (completion,) = trace.spans_of_type("LLM")
    assert completion.attributes["gen_ai.response.time_to_first_chunk"] >= 0
    assert completion.outputs["choices"][0]["message"]["content"] == "done at last"


@pytest.mark.usefixtures("recording")
def test_parallel_tool_calls_have_a_span_each(tmp_path: Path) -> None:
    trace = worked(tmp_path, lookup_line("a", "FR", "DE", "IT"), reply_line("a", "done"))
    found = {call.inputs["country"]: call.outputs for call in trace.spans_of_type("TOOL")}
    assert found == {name: f"the value of {name}" for name in ("FR", "DE", "IT")}


@pytest.mark.usefixtures("recording")
def test_a_tool_that_raises_is_an_error_and_work_goes_on(tmp_path: Path) -> None:
    trace = worked(
        tmp_path, lookup_line("a", "nowhere"), lookup_line("a", "FR"), reply_line("a", "done")
    )
    assert trace_outline(trace) == [
        "office CHAIN OK",
        "  work TASK OK",
        "    a AGENT OK",
        "      OpenAICompletion.call LLM OK",
        "      lookup TOOL ERROR",
        "      OpenAICompletion.call LLM OK",
        "      lookup TOOL OK",
        "      OpenAICompletion.call LLM OK",
    ]
    assert "there is no country nowhere" in trace.spans_of_type("TOOL")[0].status_message


@pytest.mark.usefixtures("recording")
def test_what_a_tool_traces_itself_stands_beneath_its_call(tmp_path: Path) -> None:
    @tool("lookup")
    def traces(country: str) -> str:
        """Look a country up, and say so."""
        return fetched(country)

    def fetched(country: str) -> str:
        with mlflow.start_span("fetch") as span:
            span.set_outputs(f"fetched {country}")
        return f"fetched {country}"

    trace = worked(tmp_path, lookup_line("a", "FR", "DE"), reply_line("a", "done"), tools=[traces])
    calls = trace.spans_of_type("TOOL")
    assert [[inner.outputs for inner in call.children] for call in calls] == [
        [call.outputs] for call in calls
    ]


@pytest.mark.usefixtures("recording")
def test_a_call_that_is_retried_is_one_completion(tmp_path: Path) -> None:
    fault = rate_limited("a", call=1, retry_after_s=0.01)
    trace = worked(tmp_path, *ANSWER, faults=(fault,), llm={"max_retries": 2})
    assert [span.status for span in trace.spans_of_type("LLM")] == ["OK", "OK"]


@pytest.mark.usefixtures("recording")
def test_a_model_that_fails_for_good_fails_the_whole_trace(tmp_path: Path) -> None:
    fault = unavailable("a")
    trace = worked(tmp_path, *ANSWER, faults=(fault,), fails=InternalServerError, max_retry_limit=0)
    assert trace_outline(trace) == [
        "office CHAIN ERROR",
        "  work TASK ERROR",
        "    a AGENT ERROR",
        "      OpenAICompletion.call LLM ERROR",
        "        HTTP 503 ATTEMPT ERROR",
    ]
    assert "InternalServerError" in trace.spans_of_type("LLM")[0].status_message


@pytest.mark.usefixtures("recording")
def test_a_turn_that_is_taken_again_after_a_failure_stands_beside_it(tmp_path: Path) -> None:
    trace = worked(tmp_path, *ANSWER, faults=(unavailable("a", call=1),), max_retry_limit=1)
    assert [turn.status for turn in trace.spans_of_type("AGENT")] == ["ERROR", "OK"]
    assert trace.root.status == "OK"


@pytest.mark.usefixtures("recording")
def test_a_stream_that_breaks_shows_what_had_come(tmp_path: Path) -> None:
    trace = worked(
        tmp_path,
        reply_line("a", "one two three four five six seven eight"),
        faults=(cuts_stream("a", after_frame=3),),
        fails=Exception,
        llm={"stream": True},
        max_retry_limit=0,
    )
    (completion,) = trace.spans_of_type("LLM")
    assert completion.status == "ERROR"
    assert completion.outputs["choices"][0]["message"]["content"].startswith("one")


class Wordy(OpenAICompletion):
    """A model that has no tool calls: it writes down what it wants done."""

    def supports_function_calling(self) -> bool:
        return False


def wants(tool_name: str, country: str) -> Line:
    """A line of the tape, as such a model calls a tool."""
    return reply_line(
        "a", f'Thought: so\nAction: {tool_name}\nAction Input: {{"country": "{country}"}}'
    )


@pytest.mark.usefixtures("recording")
def test_calls_of_a_model_that_only_writes_are_seen_too(tmp_path: Path) -> None:
    lines = (wants("lookup", "FR"), wants("oracle", "FR"), reply_line("a", "Final Answer: done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        wordy = Wordy(
            model="taped",
            base_url=replay.base_url,
            api_key=API_KEY,
            default_headers={AGENT_HEADER: "a"},
        )
        one = Agent(role="a", goal="g", backstory="b", llm=wordy, tools=[lookup])
        crew(task(one, "work")).kickoff()
    called = [
        (call.name, call.status, call.outputs) for call in load_trace(run).spans_of_type("TOOL")
    ]
    assert called == [("lookup", "OK", "the value of FR"), ("oracle", "ERROR", None)]


@pytest.mark.usefixtures("recording")
def test_a_failure_inside_a_completion_of_the_same_model_is_not_taken_for_its_own(
    tmp_path: Path,
) -> None:
    lines = (lookup_line("a", "FR"), reply_line("a", "never"))
    with (
        replay_lines(tmp_path, *lines, faults=[unavailable("a", call=2)]) as replay,
        record_run() as run,
    ):
        model = llm(replay, "a")

        def asks_again(country: str) -> str:
            with pytest.raises(InternalServerError):  # which CrewAI announces twice
                model.call(f"what of {country}?")
            return "no answer"

        model.call("go on", available_functions={"lookup": asks_again})
    assert trace_outline(load_trace(run)) == [
        "OpenAICompletion.call LLM OK",
        "  lookup TOOL OK",
        "    OpenAICompletion.call LLM ERROR",
        "      HTTP 503 ATTEMPT ERROR",
    ]
