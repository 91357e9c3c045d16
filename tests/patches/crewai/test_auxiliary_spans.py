"""A crew's guardrails, memory, knowledge and plans are recorded."""

from collections.abc import Generator, Iterable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import mlflow
import pytest
from crewai import TaskOutput
from crewai.events import (
    LiteAgentExecutionCompletedEvent,
    LiteAgentExecutionStartedEvent,
    crewai_event_bus,
)
from crewai.knowledge.knowledge import Knowledge
from crewai.knowledge.storage.base_knowledge_storage import BaseKnowledgeStorage
from crewai.memory.unified_memory import Memory
from crewai.rag.types import SearchResult
from openai import OpenAI

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.faults import Fault, unavailable
from scenarios.replay.replay_server import ReplayServer
from tests.support.autogen_agents import (
    API_KEY,
    Line,
    load_trace,
    replay_lines,
    reply_line,
    span_names,
    tool_calls_line,
    trace_outline,
)
from tests.support.crewai_crews import agent, crew, line_when, llm, task
from workflows.model import AGENT_HEADER


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def require_source(output: TaskOutput) -> tuple[bool, Any]:
    """A guardrail that rejects an output without a source."""
    return (True, output.raw) if "source" in output.raw else (False, "no source is named")


def raise_error(output: TaskOutput) -> tuple[bool, Any]:
    """A guardrail that raises."""
    raise RuntimeError("the guardrail broke down")


def run_guarded_task(tmp_path: Path, *lines: Line, error: str = "", **settings: Any) -> Trace:
    """Return the trace of a task with guardrails that ends with `error`, if given."""
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        team = crew(task(agent(replay, "a"), "work", **settings))
        with pytest.raises(Exception, match=error) if error else nullcontext():
            team.kickoff()
    return load_trace(run)


def test_a_guardrail_that_rejects_is_recorded_with_its_feedback(tmp_path: Path) -> None:
    lines = (
        reply_line("a", "4.9"),
        line_when(reply_line("a", "4.9, source: x"), "no source is named"),
    )
    trace = run_guarded_task(tmp_path, *lines, guardrail=require_source)
    assert trace_outline(trace) == [
        "office CHAIN OK",
        "  work TASK OK",
        "    a AGENT OK",
        "      chat_completion LLM OK",
        "    require_source GUARDRAIL OK",
        "    a AGENT OK",
        "      chat_completion LLM OK",
        "    require_source GUARDRAIL OK",
    ]
    first, second = trace.spans_of_type("GUARDRAIL")
    assert first.inputs == {"output": "4.9"}
    assert first.outputs == {"success": False, "feedback": "no source is named"}
    assert (
        second.outputs["success"],
        second.attributes["flight_recorder.guardrail.retry_count"],
    ) == (True, 1)


def test_a_guardrail_that_always_rejects_fails_the_task(tmp_path: Path) -> None:
    trace = run_guarded_task(
        tmp_path,
        reply_line("a", "4.9"),
        error="no source is named",
        guardrail=require_source,
        guardrail_max_retries=0,
    )
    assert [span.status for span in trace.spans_of_type("GUARDRAIL")] == ["OK"]
    assert trace.spans_of_type("TASK")[0].status == trace.root.status == "ERROR"


def test_a_guardrail_that_raises_is_an_error(tmp_path: Path) -> None:
    trace = run_guarded_task(
        tmp_path, reply_line("a", "4.9"), error="broke down", guardrail=raise_error
    )
    (guardrail,) = trace.spans_of_type("GUARDRAIL")
    assert guardrail.status == "ERROR"
    assert "broke down" in guardrail.status_message


@pytest.mark.parametrize("error", [LookupError("there is no Ruritania"), TimeoutError()])
def test_an_error_handled_outside_is_not_attributed_to_a_guardrail(
    tmp_path: Path, error: Exception
) -> None:
    try:
        raise error
    except type(error):
        lines = (reply_line("a", "4.9"), reply_line("a", "4.9 by its source"))
        trace = run_guarded_task(tmp_path, *lines, guardrail=require_source)
    assert [span.status for span in trace.spans_of_type("GUARDRAIL")] == ["OK", "OK"]


def test_several_guardrails_are_recorded_in_order(tmp_path: Path) -> None:
    def is_short(output: TaskOutput) -> tuple[bool, Any]:
        return True, output.raw

    trace = run_guarded_task(
        tmp_path, reply_line("a", "source"), guardrails=[is_short, require_source]
    )
    assert span_names(trace, "GUARDRAIL") == ["is_short", "require_source"]


def test_a_guardrail_has_the_output_that_it_checks(tmp_path: Path) -> None:
    def add_source(output: TaskOutput) -> tuple[bool, Any]:
        return True, f"{output.raw}, source: x"

    guardrails = [add_source, require_source]
    trace = run_guarded_task(tmp_path, reply_line("a", "4.9"), guardrails=guardrails)
    outputs = [span.inputs["output"] for span in trace.spans_of_type("GUARDRAIL")]
    assert outputs == ["4.9", "4.9, source: x"]


def test_a_guardrail_of_an_agent_without_a_task_has_the_output_that_it_checks(
    tmp_path: Path,
) -> None:
    lines = (reply_line("a", "4.9"), reply_line("a", "4.9, source: x"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        agent(replay, "a", guardrail=require_source).kickoff("go")
    outputs = [span.inputs["output"] for span in load_trace(run).spans_of_type("GUARDRAIL")]
    assert outputs[0] == "4.9"


def test_memory_operations_are_recorded(tmp_path: Path) -> None:
    embedding = {"lane": "e", "origin": "scripted", "path": "/v1/embeddings"}
    lines = [
        reply_line("a", "France had 4.9"),
        line_when(reply_line("memory", '{"memories": ["France had 4.9"]}'), "Extract memory"),
        line_when(reply_line("memory", '{"suggested_scope": "/figures"}'), "Return the analysis"),
        reply_line("a", "the end"),
        line_when(reply_line("memory", '{"memories": []}'), "Extract memory"),
        *[embedding | {"reply": {"embeddings": [[0.5] * 8]}}] * 3,
    ]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        memory = Memory(
            llm=llm(replay, "memory"),
            embedder=partial(embed, replay),
            storage=str(tmp_path / "memory"),
        )
        tasks = [task(agent(replay, "a"), name) for name in ("one", "two")]
        crew(*tasks, memory=memory).kickoff()
    assert not replay.refusals
    trace = load_trace(run)
    assert sorted(span_names(trace, "MEMORY")) == ["memory query"] * 2 + [
        "memory retrieval"
    ] * 2 + ["memory save"]
    assert [span.status for span in trace.spans_of_type("MEMORY")] == ["OK"] * 5
    results = [
        span.outputs for span in trace.spans_of_type("MEMORY") if span.name == "memory query"
    ]
    assert results == [{"results": []}, {"results": ["France had 4.9"]}]
    agents = [span.agent for span in trace.spans_of_type("LLM")]
    assert agents == ["a"] * 5  # including saving, in a thread that may outlast the turn


def test_a_save_to_memory_that_fails_has_its_error(tmp_path: Path) -> None:
    def fail(texts: list[str]) -> list[list[float]]:
        raise ConnectionError("the embedder is down")

    with replay_lines(tmp_path) as replay, record_run() as run:
        memory = Memory(llm=llm(replay, "m"), embedder=fail, storage=str(tmp_path / "memory"))
        with mlflow.start_span("work"):
            memory.remember_many(["France had 4.9"])
            memory.drain_writes()
    (save,) = load_trace(run).spans_of_type("MEMORY")
    assert (save.name, save.status) == ("memory save", "ERROR")
    assert "the embedder is down" in save.status_message


def test_a_save_that_outlasts_its_trace_is_recorded_whole(tmp_path: Path) -> None:
    has_ended = Event()

    def embed_late(texts: list[str]) -> list[list[float]]:
        assert has_ended.wait(10)
        return [[0.5] * 8 for _ in texts]

    with replay_lines(tmp_path, reply_line("m", '{"suggested_scope": "/f"}')) as replay:
        memory = Memory(llm=llm(replay, "m"), embedder=embed_late, storage=str(tmp_path / "memory"))
        with record_run() as run:
            researcher = agent(replay, "a")
            event: dict[str, Any] = {"agent_info": {}, "tools": [], "messages": "go"}
            crewai_event_bus.emit(researcher, LiteAgentExecutionStartedEvent(**event))
            memory.remember_many(["France had 4.9"])
            end: dict[str, Any] = {"agent_info": {}, "output": "done"}
            crewai_event_bus.emit(researcher, LiteAgentExecutionCompletedEvent(**end))
            has_ended.set()
        trace = load_trace(run)
    (save,) = trace.spans_of_type("MEMORY")
    assert (trace.root.type, trace.root.outputs) == ("AGENT", {"output": "done"})
    assert [span.status for span in (trace.root, save)] == ["OK", "OK"]
    assert save.end_ns > trace.root.end_ns


def embed(replay: ReplayServer, texts: list[str]) -> list[list[float]]:
    """A custom embedder."""
    client = OpenAI(base_url=replay.base_url, api_key=API_KEY, default_headers={AGENT_HEADER: "e"})
    with client:
        return [client.embeddings.create(model="e", input=text).data[0].embedding for text in texts]


def test_a_plan_is_recorded_with_its_completion(tmp_path: Path) -> None:
    lines = (reply_line("a", "READY: I am ready to execute the task."), reply_line("a", "done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        crew(task(agent(replay, "a", planning=True), "work")).kickoff()
    assert trace_outline(load_trace(run)) == [
        "office CHAIN OK",
        "  work TASK OK",
        "    a AGENT OK",
        "      agent reasoning CHAIN OK",
        "        chat_completion LLM OK",
        "      chat_completion LLM OK",
    ]


def test_a_plan_made_by_a_tool_call_is_recorded_as_the_reply(tmp_path: Path) -> None:
    plan = {"plan": "look it up", "steps": [], "ready": True}
    lines = (tool_calls_line("a", ("create_reasoning_plan", plan)), reply_line("a", "done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        crew(task(agent(replay, "a", reasoning=True), "work")).kickoff()
        served = [exchange.output_tokens for exchange in replay.ledger.exchanges]
    trace = load_trace(run)
    assert trace_outline(trace)[3:6] == [
        "      agent reasoning CHAIN OK",
        "        chat_completion LLM OK",
        "          create_reasoning_plan TOOL OK",
    ]
    planning, _ = trace.spans_of_type("LLM")
    (call,) = planning.outputs["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "create_reasoning_plan"
    assert [span.tokens.output for span in trace.spans_of_type("LLM")] == served


class FixedKnowledge(BaseKnowledgeStorage):
    """Knows one sentence."""

    def search(self, *args: Any, **kwargs: Any) -> list[SearchResult]:
        return [{"id": "1", "content": "France had 4.9", "metadata": {}, "score": 1.0}]

    async def asearch(self, *args: Any, **kwargs: Any) -> list[SearchResult]:
        return self.search()

    def save(self, documents: list[str]) -> None: ...
    async def asave(self, documents: list[str]) -> None: ...
    def reset(self) -> None: ...
    async def areset(self) -> None: ...


def run_with_knowledge(tmp_path: Path, *lines: Line, faults: Iterable[Fault] = ()) -> Trace:
    """Return the trace of a task whose agent asks its model for a query of its knowledge."""
    with replay_lines(tmp_path, *lines, faults=faults) as replay, record_run() as run:
        knowledge = Knowledge(collection_name="k", sources=[], storage=FixedKnowledge())
        crew(task(agent(replay, "a", knowledge=knowledge), "work")).kickoff()
    return load_trace(run)


def test_a_search_for_knowledge_is_recorded(tmp_path: Path) -> None:
    trace = run_with_knowledge(tmp_path, reply_line("a", "France"), reply_line("a", "done"))
    assert trace_outline(trace)[2:] == [
        "    knowledge search query RETRIEVER OK",
        "      knowledge query RETRIEVER OK",
        "        chat_completion LLM OK",
        "    a AGENT OK",
        "      chat_completion LLM OK",
    ]
    assert "France had 4.9" in str(trace.spans_of_type("RETRIEVER")[0].outputs)


def test_a_turn_after_a_failed_search_for_knowledge_is_outside_of_it(tmp_path: Path) -> None:
    """CrewAI reports no end of such a search."""
    trace = run_with_knowledge(tmp_path, reply_line("a", "done"), faults=[unavailable("a")])
    assert trace_outline(trace)[2:] == [
        "    knowledge search query RETRIEVER ERROR",
        "      knowledge query RETRIEVER ERROR",
        "        chat_completion LLM ERROR",
        "          HTTP 503 ATTEMPT ERROR",
        "    a AGENT OK",
        "      chat_completion LLM OK",
    ]
