"""The completions of a user's own model class are recorded, whether or not it emits events."""

import asyncio
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from crewai import LLM, Agent, BaseLLM
from crewai.events import LLMCallStartedEvent, crewai_event_bus
from crewai.events.types.llm_events import LLMCallType
from crewai.llms.base_llm import llm_call_context
from crewai.llms.providers.openai.completion import OpenAICompletion
from openai import OpenAI

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from tests.support.autogen_agents import (
    API_KEY,
    load_trace,
    replay_lines,
    reply_line,
    trace_outline,
)
from tests.support.crewai_crews import crew, task
from workflows.model import AGENT_HEADER


class EchoModel(BaseLLM):
    """A model that defines nothing but `call` and `acall`."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> str:
        if "fail" in str(messages):
            raise LookupError("there is no answer")
        self._track_token_usage_internal({"prompt_tokens": 11, "completion_tokens": 5})
        return "done"

    async def acall(self, messages: Any, *args: Any, **kwargs: Any) -> str:
        return self.call(messages)


class ReportingModel(EchoModel):
    """A model that emits the events itself, with the token usage."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> str:
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        with llm_call_context():
            self._emit_call_started_event(messages)
            self._emit_call_completed_event("done", LLMCallType.LLM_CALL, usage=usage)
        return "done"


class RepeatingModel(OpenAICompletion):
    """A model that asks twice, and whose base class emits the events."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        first = super().call(messages, *args, **kwargs)
        return f"{first}, {super().call(messages, *args, **kwargs)}"


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def run_crew(model: LLM | BaseLLM, *, is_async: bool = False) -> Trace:
    """Return the trace of a crew of one agent with this model."""
    with record_run() as run:
        team = crew(task(Agent(role="a", goal="g", backstory="b", llm=model), "work"))
        result = asyncio.run(team.akickoff()) if is_async else team.kickoff()
        assert str(result) == "done"
    return load_trace(run)


@pytest.mark.xfail(reason="CrewAI leaves the events to the class", raises=AssertionError)
def test_upstream_crewai_emits_the_completion_of_a_class_that_defines_call() -> None:
    started: list[str] = []
    with crewai_event_bus.scoped_handlers():

        @crewai_event_bus.on(LLMCallStartedEvent)
        def _(source: Any, event: LLMCallStartedEvent) -> None:
            started.append(event.type)

        EchoModel(model="echo").call("go on")
        crewai_event_bus.flush()
    assert started == ["llm_call_started"]


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("is_async", [False, True])
def test_a_model_that_only_defines_call_leaves_a_completion(is_async: bool) -> None:
    trace = run_crew(EchoModel(model="echo"), is_async=is_async)
    assert trace_outline(trace)[-1] == "      chat_completion LLM OK"
    (completion,) = trace.spans_of_type("LLM")
    assert "do work" in completion.inputs["messages"][-1]["content"]
    assert completion.outputs["choices"][0]["message"]["content"] == "done"
    assert (completion.tokens.input, completion.tokens.output) == (11, 5)
    assert (completion.agent, completion.attributes["gen_ai.request.model"]) == ("a", "echo")


@pytest.mark.usefixtures("recording")
def test_the_usage_that_a_model_reports_with_its_event_is_recorded() -> None:
    with record_run() as run:
        ReportingModel(model="echo").call("go on")
    (completion,) = load_trace(run).spans_of_type("LLM")
    assert (completion.tokens.input, completion.tokens.output) == (7, 3)


@pytest.mark.usefixtures("recording")
def test_a_call_outside_of_a_crew_is_recorded() -> None:
    with record_run() as run:
        assert EchoModel(model="echo").call("go on") == "done"
    trace = load_trace(run)
    assert trace_outline(trace) == ["chat_completion LLM OK"]
    assert trace.root.inputs["messages"] == [{"role": "user", "content": "go on"}]


@pytest.mark.usefixtures("recording")
def test_a_call_that_raises_is_an_error() -> None:
    with record_run() as run, pytest.raises(LookupError):
        EchoModel(model="echo").call("fail")
    (completion,) = load_trace(run).spans_of_type("LLM")
    assert completion.status == "ERROR"
    assert "there is no answer" in completion.status_message


@pytest.mark.usefixtures("recording")
def test_each_completion_of_a_call_is_recorded_once(tmp_path: Path) -> None:
    lines = (reply_line("a", "one"), reply_line("a", "two"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        model = RepeatingModel(
            model="taped",
            base_url=replay.base_url,
            api_key=API_KEY,
            default_headers={AGENT_HEADER: "a"},
        )
        assert model.call("go on") == "one, two"
        served = [exchange.output_tokens for exchange in replay.ledger.exchanges]
    completions = load_trace(run).spans_of_type("LLM")
    texts = [span.outputs["choices"][0]["message"]["content"] for span in completions]
    assert texts == ["one", "two"]
    assert [span.tokens.output for span in completions] == served


class RoutingModel(BaseLLM):
    """A model that passes calls on to another one."""

    target: LLM | BaseLLM

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        return self.target.call(messages, *args, **kwargs)


class RequestingModel(BaseLLM):
    """A model that sends its requests with the client of OpenAI."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        headers = {AGENT_HEADER: "a"}
        with OpenAI(base_url=self.base_url, api_key=API_KEY, default_headers=headers) as client:
            request = [{"role": "user", "content": str(messages)}]
            reply: Any = client.chat.completions.create(model=self.model, messages=request)  # type: ignore[arg-type]
        return reply.choices[0].message.content


@pytest.mark.usefixtures("recording")
def test_a_call_passed_on_to_another_model_is_one_completion() -> None:
    with record_run() as run:
        assert RoutingModel(model="router", target=EchoModel(model="echo")).call("go on") == "done"
    trace = load_trace(run)
    assert trace_outline(trace) == ["chat_completion CHAIN OK", "  chat_completion LLM OK"]
    (completion,) = trace.spans_of_type("LLM")
    assert completion.attributes["gen_ai.request.model"] == "echo"


def test_a_request_of_the_openai_client_is_the_completion(tmp_path: Path, store: str) -> None:
    with (
        enable_tracing(store, frameworks=("crewai", "openai")),
        replay_lines(tmp_path, reply_line("a", "done")) as replay,
        record_run() as run,
    ):
        RequestingModel(model="taped", base_url=replay.base_url).call("go on")
        (served,) = replay.ledger.exchanges
    trace = load_trace(run)
    (completion,) = trace.spans_of_type("LLM")
    assert (completion.tokens.input, completion.tokens.output) == (
        served.input_tokens,
        served.output_tokens,
    )
    assert trace.root.outputs["choices"][0]["message"]["content"] == "done"
