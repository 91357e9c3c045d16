"""What goes on beside turns and calls of a crew: guardrails, memory and plans are seen."""

from collections.abc import Generator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from crewai import TaskOutput
from crewai.memory.unified_memory import Memory
from openai import OpenAI

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.replay_server import ReplayServer
from tests.support.autogen_agents import (
    API_KEY,
    Line,
    load_trace,
    replay_lines,
    reply_line,
    span_names,
    trace_outline,
)
from tests.support.crewai_crews import agent, crew, line_when, llm, task
from workflows.model import AGENT_HEADER


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def names_a_source(output: TaskOutput) -> tuple[bool, Any]:
    """A guardrail."""
    return (True, output.raw) if "source" in output.raw else (False, "no word of a source")


def breaks_down(output: TaskOutput) -> tuple[bool, Any]:
    """A guardrail that raises."""
    raise RuntimeError("the guardrail broke down")


def guarded(tmp_path: Path, *lines: Line, fails: str = "", **settings: Any) -> Trace:
    """The trace of one task with guardrails; `fails` are words of the error that ends it."""
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        team = crew(task(agent(replay, "a"), "work", **settings))
        with pytest.raises(Exception, match=fails) if fails else nullcontext():
            team.kickoff()
    return load_trace(run)


def test_a_guardrail_that_sends_back_is_seen_with_its_words(tmp_path: Path) -> None:
    lines = (
        reply_line("a", "4.9"),
        line_when(reply_line("a", "4.9, source: x"), "no word of a source"),
    )
    trace = guarded(tmp_path, *lines, guardrail=names_a_source)
    assert trace_outline(trace) == [
        "office CHAIN OK",
        "  work TASK OK",
        "    a AGENT OK",
        "      OpenAICompletion.call LLM OK",
        "    names_a_source GUARDRAIL OK",
        "    a AGENT OK",
        "      OpenAICompletion.call LLM OK",
        "    names_a_source GUARDRAIL OK",
    ]
    first, second = trace.spans_of_type("GUARDRAIL")
    assert first.inputs == {"output": "4.9"}
    assert first.outputs == {"success": False, "feedback": "no word of a source"}
    assert (
        second.outputs["success"],
        second.attributes["flight_recorder.guardrail.retry_count"],
    ) == (True, 1)


def test_a_guardrail_that_is_never_content_fails_the_task(tmp_path: Path) -> None:
    trace = guarded(
        tmp_path,
        reply_line("a", "4.9"),
        fails="no word of a source",
        guardrail=names_a_source,
        guardrail_max_retries=0,
    )
    assert [span.status for span in trace.spans_of_type("GUARDRAIL")] == ["OK"]
    assert trace.spans_of_type("TASK")[0].status == trace.root.status == "ERROR"


def test_a_guardrail_that_raises_is_an_error(tmp_path: Path) -> None:
    trace = guarded(tmp_path, reply_line("a", "4.9"), fails="broke down", guardrail=breaks_down)
    (guardrail,) = trace.spans_of_type("GUARDRAIL")
    assert guardrail.status == "ERROR"
    assert "broke down" in guardrail.status_message


@pytest.mark.parametrize("error", [LookupError("there is no Ruritania"), TimeoutError()])
def test_an_error_that_is_handled_outside_is_none_of_a_guardrail(
    tmp_path: Path, error: Exception
) -> None:
    try:
        raise error
    except type(error):
        lines = (reply_line("a", "4.9"), reply_line("a", "4.9 by its source"))
        trace = guarded(tmp_path, *lines, guardrail=names_a_source)
    assert [span.status for span in trace.spans_of_type("GUARDRAIL")] == ["OK", "OK"]


def test_several_guardrails_are_seen_in_their_order(tmp_path: Path) -> None:
    def is_short(output: TaskOutput) -> tuple[bool, Any]:
        return True, output.raw

    trace = guarded(tmp_path, reply_line("a", "source"), guardrails=[is_short, names_a_source])
    assert span_names(trace, "GUARDRAIL") == ["is_short", "names_a_source"]


def test_what_a_crew_remembers_and_recalls_is_seen(tmp_path: Path) -> None:
    embedded = {"lane": "e", "origin": "scripted", "path": "/v1/embeddings"}
    lines = [
        reply_line("a", "France had 4.9"),
        line_when(reply_line("memory", '{"memories": ["France had 4.9"]}'), "Extract memory"),
        line_when(reply_line("memory", '{"suggested_scope": "/figures"}'), "Return the analysis"),
        reply_line("a", "the end"),
        line_when(reply_line("memory", '{"memories": []}'), "Extract memory"),
        *[embedded | {"reply": {"embeddings": [[0.5] * 8]}}] * 3,
    ]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        memory = Memory(
            llm=llm(replay, "memory"),
            embedder=partial(embeddings, replay),
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
    found = [span.outputs for span in trace.spans_of_type("MEMORY") if span.name == "memory query"]
    assert found == [{"results": []}, {"results": ["France had 4.9"]}]
    asked = [span.agent for span in trace.spans_of_type("LLM")]
    assert asked == ["a"] * 5  # a memory saves in a thread of its own, in which a turn may end


def embeddings(replay: ReplayServer, texts: list[str]) -> list[list[float]]:
    """What an embedder of the user's own finds."""
    client = OpenAI(base_url=replay.base_url, api_key=API_KEY, default_headers={AGENT_HEADER: "e"})
    with client:
        return [client.embeddings.create(model="e", input=t).data[0].embedding for t in texts]


def test_a_plan_is_seen_with_the_completion_that_made_it(tmp_path: Path) -> None:
    lines = (reply_line("a", "READY: I am ready to execute the task."), reply_line("a", "done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        crew(task(agent(replay, "a", planning=True), "work")).kickoff()
    assert trace_outline(load_trace(run)) == [
        "office CHAIN OK",
        "  work TASK OK",
        "    a AGENT OK",
        "      agent reasoning CHAIN OK",
        "        OpenAICompletion.call LLM OK",
        "      OpenAICompletion.call LLM OK",
    ]
