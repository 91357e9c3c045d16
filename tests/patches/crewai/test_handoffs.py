"""Handoffs in a crew: between tasks, by delegation, and between the crews of a flow."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import orjson
import pytest
from crewai import Process, TaskOutput
from crewai.flow.flow import Flow, listen, start
from pydantic import BaseModel

from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from scenarios.player.fidelity import measure_fidelity
from scenarios.replay.replay_server import ReplayServer
from tests.support.autogen_agents import (
    Line,
    load_trace,
    replay_lines,
    reply_line,
    span_names,
    tool_calls_line,
    trace_outline,
)
from tests.support.crewai_crews import agent, crew, line_when, llm, lookup, lookup_line, task

TASK = "find the inflation of France"
DELEGATION = tool_calls_line(
    "manager",
    ("delegate_work_to_coworker", {"task": TASK, "context": "for 2023", "coworker": "data"}),
)


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def handoffs(trace: Trace) -> dict[str, tuple[bool, float]]:
    """Return whether each handoff was withheld, and its score, by name."""
    return {
        span.name: (
            span.attributes["flight_recorder.handoff.withheld"],
            span.attributes["flight_recorder.handoff.efficiency_score"],
        )
        for span in trace.spans_of_type("HANDOFF")
    }


def run_three_tasks(tmp_path: Path, **settings: Any) -> Trace:
    """Run three tasks of three agents.

    Args:
        tmp_path: A folder for the tape.
        settings: Settings of the third task; `second` is the output of the second one, and
            `context_of` are the tasks in the context of the third one.
    """
    second_output = settings.pop("second", "the figure of b")
    lines = [
        reply_line("a", "the rule of a"),
        reply_line("b", second_output),
        reply_line("c", "the end"),
    ]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        first, second = (task(agent(replay, role), f"task {role}") for role in "ab")
        context = [{"a": first, "b": second}[name] for name in settings.pop("context_of", ())]
        options = {"context": context} if context else {}
        crew(first, second, task(agent(replay, "c"), "task c", **options, **settings)).kickoff()
    return load_trace(run)


def test_a_task_without_context_receives_all_earlier_outputs(tmp_path: Path) -> None:
    by_name = handoffs(run_three_tasks(tmp_path))
    assert by_name == {"a → b": (False, 1.0), "a → c": (False, 1.0), "b → c": (False, 1.0)}


def test_an_output_outside_the_context_is_withheld(tmp_path: Path) -> None:
    by_name = handoffs(run_three_tasks(tmp_path, context_of=["b"]))
    withheld, score = by_name["a → c"]
    assert withheld
    assert score < 1.0
    assert by_name["b → c"] == (False, 1.0)


def test_an_output_quoted_by_another_task_still_counts_as_withheld(tmp_path: Path) -> None:
    by_name = handoffs(
        run_three_tasks(tmp_path, context_of=["b"], second="a figure, by the rule of a")
    )
    assert by_name["a → c"] == (True, 1.0)


def test_a_turn_repeated_for_a_guardrail_has_no_new_handoff(tmp_path: Path) -> None:
    def is_last(output: TaskOutput) -> tuple[bool, Any]:
        return "last" in output.raw, output.raw

    lines = (reply_line("a", "the rule"), reply_line("b", "first"), reply_line("b", "last"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        second = task(agent(replay, "b"), "task b", guardrail=is_last)
        crew(task(agent(replay, "a"), "task a"), second).kickoff()
    assert span_names(load_trace(run), "HANDOFF") == ["a → b"]


def test_a_task_records_its_context(tmp_path: Path) -> None:
    (third,) = (
        span
        for span in run_three_tasks(tmp_path, context_of=["b"]).spans_of_type("TASK")
        if span.name == "task c"
    )
    assert third.attributes["flight_recorder.crew.task.context"] == ["task b"]


def make_hierarchical_crew(replay: ReplayServer) -> Any:
    """Return a crew of a manager and an agent with a lookup tool."""
    data = agent(replay, "data", tools=[lookup])
    manager = agent(replay, "manager", allow_delegation=True)
    return crew(
        task(None, "brief"),
        agents=[data],
        process=Process.hierarchical,
        manager_agent=manager,
    )


def run_hierarchical_crew(tmp_path: Path, *lines: Line) -> Trace:
    """Return the trace of the hierarchical crew, which must match the ledger."""
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        make_hierarchical_crew(replay).kickoff()
    assert not replay.refusals
    trace = load_trace(run)
    counts = dict(measure_fidelity(replay.ledger, trace))
    assert tuple(name for name, count in counts.items() if not count.is_equal) == ()
    return trace


def test_a_delegated_turn_is_a_child_of_the_delegation(tmp_path: Path) -> None:
    trace = run_hierarchical_crew(
        tmp_path,
        DELEGATION,
        lookup_line("data", "FR"),
        reply_line("data", "it is 4.9"),
        line_when(reply_line("manager", "the report"), "it is 4.9"),
    )
    assert trace_outline(trace) == [
        "office CHAIN OK",
        "  brief TASK OK",
        "    manager AGENT OK",
        "      chat_completion LLM OK",
        "      delegate_work_to_coworker TOOL OK",
        "        manager → data HANDOFF OK",
        "        data AGENT OK",
        "          chat_completion LLM OK",
        "          lookup TOOL OK",
        "          chat_completion LLM OK",
        "      data → manager HANDOFF OK",
        "      chat_completion LLM OK",
    ]
    there, back = trace.spans_of_type("HANDOFF")
    assert there.attributes["flight_recorder.handoff.output_chars"] == len(f"{TASK}\nfor 2023")
    assert not any("flight_recorder.handoff.dropped" in span.attributes for span in (there, back))


def test_a_delegation_to_an_unknown_coworker_leaves_no_turn(tmp_path: Path) -> None:
    arguments = {"task": TASK, "context": "for 2023", "coworker": "the oracle"}
    trace = run_hierarchical_crew(
        tmp_path,
        tool_calls_line("manager", ("delegate_work_to_coworker", arguments)),
        reply_line("manager", "none"),
    )
    assert span_names(trace, "AGENT") == ["manager"]
    assert span_names(trace, "HANDOFF") == []
    assert "coworker mentioned not found" in trace.spans_of_type("TOOL")[0].outputs


def test_crewais_own_planning_is_not_a_handoff(tmp_path: Path) -> None:
    plan = {"list_of_plans_per_task": [{"task_number": 1, "task": "work", "plan": "do it"}]}
    lines = (reply_line("planner", orjson.dumps(plan).decode()), reply_line("a", "done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        planner = llm(replay, "planner")
        crew(task(agent(replay, "a"), "work"), planning=True, planning_llm=planner).kickoff()
    trace = load_trace(run)
    assert span_names(trace, "AGENT") == ["Task Execution Planner", "a"]
    assert span_names(trace, "HANDOFF") == []


NEWS = "the pass is open today"


def run_flow(tmp_path: Path, description: str, news: str = NEWS, **inputs: str) -> Trace:
    """Return the trace of a flow of two crews; the second one has this task and these inputs."""
    with (
        replay_lines(tmp_path, reply_line("a", news), reply_line("b", "noted")) as replay,
        record_run() as run,
    ):

        class Journey(Flow[dict[str, Any]]):
            @start()
            def search(self) -> str:
                return str(crew(task(agent(replay, "a"), "search")).kickoff())

            @listen(search)
            def note(self, _: str) -> str:
                note_task = task(agent(replay, "b"), "note", description=description)
                return str(crew(note_task).kickoff(inputs=inputs))

        Journey().kickoff()
    return load_trace(run)


def test_a_crew_output_passed_as_an_input_is_a_handoff(tmp_path: Path) -> None:
    trace = run_flow(tmp_path, "note {weather}", news="open", weather="open")
    assert handoffs(trace) == {"a → b": (False, 1.0)}
    assert trace.spans_of_type("HANDOFF")[0].attributes["flight_recorder.handoff.kind"] == "flow"


def test_an_unused_input_is_not_a_handoff(tmp_path: Path) -> None:
    assert handoffs(run_flow(tmp_path, "note the weather", news="open", weather="open")) == {}


def test_a_crew_output_in_a_task_description_is_a_handoff(tmp_path: Path) -> None:
    trace = run_flow(tmp_path, f"Note this: {NEWS}.")
    assert handoffs(trace) == {"a → b": (False, 1.0)}


@pytest.mark.parametrize("news", [NEWS, "pass"])
def test_a_crew_output_that_is_not_passed_on_is_not_a_handoff(tmp_path: Path, news: str) -> None:
    assert handoffs(run_flow(tmp_path, "note which pass the map shows", news)) == {}


class Verdict(BaseModel):
    """A structured output."""

    feedback: str
    valid: bool


FEEDBACK = "name the source of the figure"


def run_revision(tmp_path: Path, verdict: str, critics: int = 1, **options: Any) -> Trace:
    """Return the trace of a flow that passes one field of a crew's output to the next crew."""
    lines = (*[reply_line("critic", verdict)] * critics, reply_line("writer", "done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:

        class Revision(Flow[dict[str, Any]]):
            @start()
            def criticize(self) -> None:
                for _ in range(critics):
                    criticism = task(agent(replay, "critic"), "criticize", **options)
                    output: Any = crew(criticism).kickoff()
                    fields = output.pydantic or output.json_dict or orjson.loads(output.raw)
                    self.state["feedback"] = dict(fields)["feedback"]

            @listen(criticize)
            def write(self) -> None:
                text = task(agent(replay, "writer"), "write", description="mind {feedback}")
                crew(text).kickoff(inputs={"feedback": self.state["feedback"]})

        Revision().kickoff()
    return load_trace(run)


@pytest.mark.parametrize("options", [{"output_pydantic": Verdict}, {"output_json": Verdict}, {}])
@pytest.mark.parametrize("feedback", [FEEDBACK, "shorter"])
def test_a_field_of_a_structured_output_passed_as_an_input_is_a_handoff(
    tmp_path: Path, options: dict[str, Any], feedback: str
) -> None:
    verdict = Verdict(feedback=feedback, valid=False).model_dump_json()
    trace = run_revision(tmp_path, verdict, **options)
    assert handoffs(trace) == {"critic → writer": (False, 1.0)}


def test_crews_with_the_same_output_are_one_handoff(tmp_path: Path) -> None:
    verdict = Verdict(feedback=FEEDBACK, valid=False).model_dump_json()
    trace = run_revision(tmp_path, verdict, critics=2)
    assert span_names(trace, "HANDOFF") == ["critic → writer"]


def run_agents_in_a_flow(tmp_path: Path, prompt: str) -> Trace:
    """Return the trace of a flow of an agent, an agent with this prompt, and a crew."""
    lines = (
        reply_line("a", NEWS),
        reply_line("b", "it is noted here"),
        reply_line("c", "."),
    )
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:

        class Journey(Flow[dict[str, Any]]):
            @start()
            async def search(self) -> str:
                return str((await agent(replay, "a").kickoff_async("how is the pass?")).raw)

            @listen(search)
            def note(self, news: str) -> str:
                noted: Any = agent(replay, "b").kickoff(prompt.format(news=news))
                return str(noted.raw)

            @listen(note)
            def report(self, noted: str) -> None:
                crew(task(agent(replay, "c"), "report", description=noted)).kickoff()

        Journey().kickoff()
    return load_trace(run)


@pytest.mark.parametrize("prompt", ["{news}", "Note this: {news}."])
def test_outputs_of_agents_without_a_crew_are_handoffs(tmp_path: Path, prompt: str) -> None:
    trace = run_agents_in_a_flow(tmp_path, prompt)
    assert handoffs(trace) == {"a → b": (False, 1.0), "b → c": (False, 1.0)}


def test_an_agent_output_that_is_not_passed_on_is_not_a_handoff(tmp_path: Path) -> None:
    assert list(handoffs(run_agents_in_a_flow(tmp_path, "note it"))) == ["b → c"]
