"""A turn in a crew: what it is given and by whom, in a line, by delegation, and again."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import orjson
import pytest
from crewai import Process, TaskOutput
from crewai.flow.flow import Flow, listen, start

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
DELEGATES = tool_calls_line(
    "manager",
    ("delegate_work_to_coworker", {"task": TASK, "context": "for 2023", "coworker": "data"}),
)


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def handoffs(trace: Trace) -> dict[str, tuple[bool, float]]:
    """Whether each was withheld, and its score."""
    return {
        span.name: (
            span.attributes["flight_recorder.handoff.withheld"],
            span.attributes["flight_recorder.handoff.efficiency_score"],
        )
        for span in trace.spans_of_type("HANDOFF")
    }


def passed_on(tmp_path: Path, **settings: Any) -> Trace:
    """Three tasks of three agents; `settings` are those of the third, `second` what b says."""
    second = settings.pop("second", "the figure of b")
    lines = [reply_line("a", "the rule of a"), reply_line("b", second), reply_line("c", "the end")]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        first, second = (task(agent(replay, role), f"task {role}") for role in "ab")
        context = [{"a": first, "b": second}[name] for name in settings.pop("of", ())]
        given = {"context": context} if context else {}
        crew(first, second, task(agent(replay, "c"), "task c", **given, **settings)).kickoff()
    return load_trace(run)


def test_a_task_without_context_is_given_all_that_came_before(tmp_path: Path) -> None:
    found = handoffs(passed_on(tmp_path))
    assert found == {"a → b": (False, 1.0), "a → c": (False, 1.0), "b → c": (False, 1.0)}


def test_what_the_context_leaves_out_is_withheld(tmp_path: Path) -> None:
    found = handoffs(passed_on(tmp_path, of=["b"]))
    withheld, score = found["a → c"]
    assert withheld
    assert score < 1.0
    assert found["b → c"] == (False, 1.0)


def test_what_another_quotes_is_withheld_all_the_same(tmp_path: Path) -> None:
    found = handoffs(passed_on(tmp_path, of=["b"], second="a figure, by the rule of a"))
    assert found["a → c"] == (True, 1.0)


def test_a_turn_that_a_guardrail_asks_for_again_is_handed_nothing_anew(tmp_path: Path) -> None:
    def is_last(output: TaskOutput) -> tuple[bool, Any]:
        return "last" in output.raw, output.raw

    lines = (reply_line("a", "the rule"), reply_line("b", "first"), reply_line("b", "last"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        second = task(agent(replay, "b"), "task b", guardrail=is_last)
        crew(task(agent(replay, "a"), "task a"), second).kickoff()
    assert span_names(load_trace(run), "HANDOFF") == ["a → b"]


def test_a_task_names_its_context(tmp_path: Path) -> None:
    (third,) = (
        t for t in passed_on(tmp_path, of=["b"]).spans_of_type("TASK") if t.name == "task c"
    )
    assert third.attributes["flight_recorder.crew.task.context"] == ["task b"]


def led(replay: ReplayServer, *lines: Any) -> Any:
    """A manager and one who looks things up."""
    data = agent(replay, "data", tools=[lookup])
    manager = agent(replay, "manager", allow_delegation=True)
    return crew(
        task(None, "brief"),
        agents=[data],
        process=Process.hierarchical,
        manager_agent=manager,
    )


def managed(tmp_path: Path, *lines: Line, amiss: tuple[str, ...] = ()) -> Trace:
    """The trace of a crew that is led, all of which the ledger bears out."""
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        led(replay).kickoff()
    assert not replay.refusals
    trace = load_trace(run)
    counts = dict(measure_fidelity(replay.ledger, trace))
    assert tuple(name for name, count in counts.items() if not count.is_equal) == amiss
    return trace


def test_a_delegated_turn_stands_inside_the_call_that_asked_for_it(tmp_path: Path) -> None:
    trace = managed(
        tmp_path,
        DELEGATES,
        lookup_line("data", "FR"),
        reply_line("data", "it is 4.9"),
        line_when(reply_line("manager", "the report"), "it is 4.9"),
    )
    assert trace_outline(trace) == [
        "office CHAIN OK",
        "  brief TASK OK",
        "    manager AGENT OK",
        "      OpenAICompletion.call LLM OK",
        "      delegate_work_to_coworker TOOL OK",
        "        manager → data HANDOFF OK",
        "        data AGENT OK",
        "          OpenAICompletion.call LLM OK",
        "          lookup TOOL OK",
        "          OpenAICompletion.call LLM OK",
        "      data → manager HANDOFF OK",
        "      OpenAICompletion.call LLM OK",
    ]
    there, back = trace.spans_of_type("HANDOFF")
    assert there.attributes["flight_recorder.handoff.output_chars"] == len(f"{TASK}\nfor 2023")
    assert not any("flight_recorder.handoff.dropped" in span.attributes for span in (there, back))


def test_a_delegation_to_nobody_leads_to_no_turn(tmp_path: Path) -> None:
    asks = {"task": TASK, "context": "for 2023", "coworker": "the oracle"}
    trace = managed(
        tmp_path,
        tool_calls_line("manager", ("delegate_work_to_coworker", asks)),
        reply_line("manager", "none"),
    )
    assert span_names(trace, "AGENT") == ["manager"]
    assert span_names(trace, "HANDOFF") == []
    assert "coworker mentioned not found" in trace.spans_of_type("TOOL")[0].outputs


def test_what_crewai_plans_for_itself_is_no_handoff(tmp_path: Path) -> None:
    plan = {"list_of_plans_per_task": [{"task_number": 1, "task": "work", "plan": "do it"}]}
    lines = (reply_line("planner", orjson.dumps(plan).decode()), reply_line("a", "done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        planner = llm(replay, "planner")
        crew(task(agent(replay, "a"), "work"), planning=True, planning_llm=planner).kickoff()
    trace = load_trace(run)
    assert span_names(trace, "AGENT") == ["Task Execution Planner", "a"]
    assert span_names(trace, "HANDOFF") == []


FOUND = "the pass is open today"


def flown(tmp_path: Path, description: str, found: str = FOUND, **inputs: str) -> Trace:
    """The trace of a flow of two crews; the second has this task, and is given these inputs."""
    with (
        replay_lines(tmp_path, reply_line("a", found), reply_line("b", "noted")) as replay,
        record_run() as run,
    ):

        class Journey(Flow[dict[str, Any]]):
            @start()
            def search(self) -> str:
                return str(crew(task(agent(replay, "a"), "search")).kickoff())

            @listen(search)
            def note(self, _: str) -> str:
                noted = task(agent(replay, "b"), "note", description=description)
                return str(crew(noted).kickoff(inputs=inputs))

        Journey().kickoff()
    return load_trace(run)


def test_what_a_flow_gives_a_crew_as_an_input_is_handed_over(tmp_path: Path) -> None:
    trace = flown(tmp_path, "note {news}", found="open", news="open")
    assert handoffs(trace) == {"a → b": (False, 1.0)}
    assert trace.spans_of_type("HANDOFF")[0].attributes["flight_recorder.handoff.kind"] == "flow"


def test_an_input_that_a_task_does_not_name_is_no_handoff(tmp_path: Path) -> None:
    assert handoffs(flown(tmp_path, "note the weather", found="open", news="open")) == {}


def test_what_a_flow_writes_into_a_task_is_handed_over(tmp_path: Path) -> None:
    trace = flown(tmp_path, f"Note this: {FOUND}.")
    assert handoffs(trace) == {"a → b": (False, 1.0)}


@pytest.mark.parametrize("found", [FOUND, "pass"])
def test_what_a_flow_keeps_to_itself_is_no_handoff(tmp_path: Path, found: str) -> None:
    assert handoffs(flown(tmp_path, "note which pass the map shows", found)) == {}
