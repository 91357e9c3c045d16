"""A crew is recorded from the call of its kickoff to its return."""

import asyncio
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from crewai import Crew
from crewai.events import CrewKickoffStartedEvent, crewai_event_bus

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from tests.support.autogen_agents import load_trace, replay_lines, reply_line, trace_outline
from tests.support.crewai_crews import agent, crew, llm, task

KICKOFFS: dict[str, Callable[[Crew], Any]] = {
    "kickoff": lambda crew: crew.kickoff(),
    "kickoff_async": lambda crew: asyncio.run(crew.kickoff_async()),
    "akickoff": lambda crew: asyncio.run(crew.akickoff()),
    "kickoff_for_each": lambda crew: crew.kickoff_for_each([{}]),
    "stream": lambda crew: list(crew.model_copy(update={"stream": True}).kickoff()),
}


class CallbackError(Exception):
    """Raised by a callback."""


def fail(value: Any) -> Any:
    raise CallbackError("the callback broke down")


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def run_crew(tmp_path: Path, method: str, **settings: Any) -> Trace:
    """Return the trace of a crew with these callbacks, which must fail."""
    with (
        replay_lines(tmp_path, reply_line("a", "done")) as replay,
        record_run() as run,
        pytest.raises(CallbackError),
    ):
        KICKOFFS[method](crew(task(agent(replay, "a"), "work"), **settings))
    return load_trace(run)


@pytest.mark.xfail(reason="CrewAI emits it after the callbacks", raises=AssertionError)
def test_upstream_crewai_emits_the_start_of_a_crew_before_its_callbacks(tmp_path: Path) -> None:
    started: list[str] = []
    with crewai_event_bus.scoped_handlers(), replay_lines(tmp_path) as replay:

        @crewai_event_bus.on(CrewKickoffStartedEvent)
        def _(source: Any, event: CrewKickoffStartedEvent) -> None:
            started.append(event.type)

        with pytest.raises(CallbackError):
            crew(task(agent(replay, "a"), "work"), before_kickoff_callbacks=[fail]).kickoff()
        crewai_event_bus.flush()
    assert started


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("method", KICKOFFS)
def test_a_callback_that_raises_before_the_kickoff_leaves_a_failed_trace(
    tmp_path: Path, method: str
) -> None:
    trace = run_crew(tmp_path, method, before_kickoff_callbacks=[fail])
    assert trace_outline(trace) == ["office CHAIN ERROR"]
    assert "the callback broke down" in trace.root.status_message


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("method", KICKOFFS)
def test_a_callback_that_raises_after_the_kickoff_fails_the_trace(
    tmp_path: Path, method: str
) -> None:
    trace = run_crew(tmp_path, method, after_kickoff_callbacks=[fail])
    assert trace_outline(trace) == [
        "office CHAIN ERROR",
        "  work TASK OK",
        "    a AGENT OK",
        "      chat_completion LLM OK",
    ]


@pytest.mark.usefixtures("recording")
def test_inputs_that_are_not_a_mapping_leave_a_failed_trace(tmp_path: Path) -> None:
    inputs: Any = ["France"]
    with replay_lines(tmp_path) as replay, record_run() as run, pytest.raises(TypeError):
        crew(task(agent(replay, "a"), "work")).kickoff(inputs=inputs)
    assert trace_outline(load_trace(run)) == ["office CHAIN ERROR"]


@pytest.mark.usefixtures("recording")
@pytest.mark.filterwarnings("ignore:function callbacks cannot be serialized")
def test_completions_of_callbacks_are_in_the_trace_of_the_crew(tmp_path: Path) -> None:
    lines = (reply_line("before", "France"), reply_line("a", "done"), reply_line("after", "good"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:

        def add_country(inputs: dict[str, Any]) -> dict[str, Any]:
            return {"country": llm(replay, "before").call("which country?")}

        def rate(output: Any) -> Any:
            output.raw = llm(replay, "after").call("how good is it?")
            return output

        result = crew(
            task(agent(replay, "a"), "work"),
            before_kickoff_callbacks=[add_country],
            after_kickoff_callbacks=[rate],
        ).kickoff()
    trace = load_trace(run)
    assert trace_outline(trace) == [
        "office CHAIN OK",
        "  chat_completion LLM OK",
        "  work TASK OK",
        "    a AGENT OK",
        "      chat_completion LLM OK",
        "  chat_completion LLM OK",
    ]
    assert trace.root.inputs == {"country": "France"}
    assert trace.root.outputs == {"raw": "good"} == {"raw": str(result)}


@pytest.mark.usefixtures("recording")
def test_a_subclass_that_calls_super_leaves_one_span(tmp_path: Path) -> None:
    class Office(Crew):
        def kickoff(self, *args: Any, **kwargs: Any) -> Any:
            return super().kickoff(*args, **kwargs)

    with replay_lines(tmp_path, reply_line("a", "done")) as replay, record_run() as run:
        worker = agent(replay, "a")
        Office(agents=[worker], tasks=[task(worker, "work")], name="office").kickoff()
    assert [span.name for span in load_trace(run).spans_of_type("CHAIN")] == ["office"]


EVALUATION = '{"suggestions": ["be brief"], "quality": 8, "final_summary": "better"}'


@pytest.mark.usefixtures("recording")
def test_a_training_is_one_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda *_: "be brief")
    lines = (
        reply_line("a", "a long answer"),
        reply_line("a", "an answer"),
        reply_line("a", EVALUATION),
    )
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        crew(task(agent(replay, "a"), "work")).train(1, str(tmp_path / "trained.pkl"))
        assert not replay.refusals
    trace = load_trace(run)
    assert trace.root.name == "train office"
    assert trace_outline(trace)[:3] == [
        "train office CHAIN OK",
        "  office CHAIN OK",
        "    work TASK OK",
    ]
    assert trace_outline(trace)[-1] == "  chat_completion LLM OK"
    assert len(trace.spans_of_type("LLM")) == 3
