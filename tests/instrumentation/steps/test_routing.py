"""Routing attributes: turns, delegations, and loops as opposed to harmless repetition."""

from pathlib import Path

import pytest
from crewai import Process

from instrumentation.steps import collect_steps
from instrumentation.steps.routing import delegation_failure, find_loops, routing_attributes
from instrumentation.steps.step import Step
from tests.instrumentation.steps.step_factory import make_step, make_turn
from tests.support.autogen_agents import replay_lines, reply_line, tool_calls_line
from tests.support.crewai_crews import agent, crew, lookup, task

AGENT_TOOLS = {"data": ["lookup"], "writer": []}
FR = {"country": "FR"}


def test_a_repeated_call_with_the_same_result_is_a_loop() -> None:
    (loop,) = find_loops(make_turn(*[("lookup", FR, "no answer")] * 3))
    assert str(loop) == "data called lookup 3 times, with the same result each time"


def test_a_repeated_call_with_the_same_error_is_a_loop() -> None:
    failing = [
        make_step(
            "tool",
            "office/get/data/lookup",
            index,
            index + 1,
            arguments=FR,
            error="LookupError: no",
        )
        for index in range(3)
    ]
    assert find_loops([make_step("turn", "office/get/data", 0, 9), *failing])


@pytest.mark.parametrize(
    "calls",
    [
        [("lookup", FR, "no answer")] * 2,
        [("lookup", {"country": name}, "no answer") for name in ("FR", "DE", "IT")],
        [("lookup", FR, result) for result in ("pending", "pending", "pending", "done")],
        [("lookup", FR, result) for result in ("1 %", "2 %", "3 %")],
    ],
    ids=["a retry", "other arguments", "a poll that ends", "other results"],
)
def test_harmless_repetition_is_not_a_loop(calls: list[tuple[str, object, object]]) -> None:
    assert find_loops(make_turn(*calls)) == ()


def test_two_alternating_calls_are_two_loops() -> None:
    assert len(find_loops(make_turn(*[("lookup", FR, "x"), ("note", FR, "y")] * 3))) == 2


def test_the_same_call_in_several_turns_is_not_a_loop() -> None:
    steps = [
        calls
        for index in range(3)
        for calls in (
            make_step("turn", "office/get/data", 10 * index, 10 * index + 9),
            make_step(
                "tool", "office/get/data/lookup", 10 * index + 1, 10 * index + 2, arguments=FR
            ),
        )
    ]
    assert find_loops(steps) == ()


def delegation(coworker: str, text: str = "find it", error: str | None = None) -> Step:
    arguments = {"coworker": coworker, "task": text, "context": ""}
    path = "office/get/manager/delegate_work_to_coworker"
    return make_step("tool", path, 0, 5, arguments=arguments, error=error)


def test_a_delegation_to_an_agent_with_the_tool_succeeds() -> None:
    assert delegation_failure(delegation("data", "use lookup for FR"), AGENT_TOOLS, {}) is None


def test_agent_names_are_compared_as_crewai_does() -> None:
    assert delegation_failure(delegation(' "DATA"\n'), AGENT_TOOLS, {}) is None


def test_a_delegation_to_an_unknown_agent_fails() -> None:
    failure = delegation_failure(delegation("archivist"), AGENT_TOOLS, {})
    assert failure == "there is no agent 'archivist'; the agents are data, writer"


def test_a_delegation_that_needs_another_agents_tool_fails() -> None:
    failure = delegation_failure(delegation("writer", "Lookup the value of FR"), AGENT_TOOLS, {})
    assert failure == "writer was asked to use lookup, but only data has that tool"


def test_a_delegation_to_an_agent_without_the_tools_of_the_task_fails() -> None:
    failure = delegation_failure(delegation("writer"), AGENT_TOOLS, {"get": ["lookup"]})
    assert failure == "writer has none of the tools that 'get' needs: lookup"


def test_a_delegation_that_raised_an_error_fails() -> None:
    assert (
        delegation_failure(delegation("data", error="ValueError: no"), AGENT_TOOLS, {})
        == "data failed: ValueError: no"
    )


def test_a_run_without_delegation_has_depth_1_and_counts_every_agent() -> None:
    attributes = routing_attributes(make_turn(("lookup", FR, "4.9")), AGENT_TOOLS)
    assert attributes == {
        "flight_recorder.routing.data.call_count": 1,
        "flight_recorder.routing.writer.call_count": 0,
        "flight_recorder.routing.total_delegations": 0,
        "flight_recorder.routing.failed_delegations": 0,
        "flight_recorder.routing.loop_detected": False,
        "flight_recorder.routing.task_depth": 1,
    }


def test_delegation_increases_the_depth(tmp_path: Path) -> None:
    arguments = {"coworker": "data", "task": "look up FR", "context": "none"}
    lines = (
        tool_calls_line("manager", ("delegate_work_to_coworker", arguments)),
        tool_calls_line("data", ("lookup", FR)),
        reply_line("data", "4.9"),
        reply_line("manager", "it is 4.9"),
    )
    with replay_lines(tmp_path, *lines) as replay, collect_steps() as log:
        data, manager = agent(replay, "data", tools=[lookup]), agent(replay, "manager")
        settings = {"agents": [data], "manager_agent": manager, "process": Process.hierarchical}
        crew(task(None, "get"), **settings).kickoff()
    attributes = routing_attributes(log.steps, AGENT_TOOLS | {"manager": []})
    assert attributes["flight_recorder.routing.total_delegations"] == 1
    assert attributes["flight_recorder.routing.failed_delegations"] == 0
    assert attributes["flight_recorder.routing.task_depth"] == 2
    assert attributes["flight_recorder.routing.max_delegation_latency_ms"] != 0
