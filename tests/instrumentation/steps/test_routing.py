"""Routing: turns, delegations and loops, told apart from mere repetition."""

from pathlib import Path

import pytest
from crewai import Process

from instrumentation.routing import delegation_failure, find_loops, routing_attributes
from instrumentation.steps import collect_steps
from instrumentation.steps.step import Step
from tests.instrumentation.steps.step_factory import make_step, make_turn
from tests.support.autogen_agents import replay_lines, reply_line, tool_calls_line
from tests.support.crewai_crews import agent, crew, lookup, task

ROSTER = {"data": ["lookup"], "writer": []}
FR = {"country": "FR"}


def test_the_same_call_with_the_same_result_again_and_again_is_a_loop() -> None:
    (loop,) = find_loops(make_turn(*[("lookup", FR, "no answer")] * 3))
    assert str(loop) == "data called lookup 3 times, with the same result each time"


def test_the_same_error_again_and_again_is_a_loop() -> None:
    failing = [
        make_step(
            "tool", "office/get/data/lookup", at, at + 1, arguments=FR, error="LookupError: no"
        )
        for at in range(3)
    ]
    assert find_loops([make_step("turn", "office/get/data", 0, 9), *failing])


@pytest.mark.parametrize(
    "made",
    [
        [("lookup", FR, "no answer")] * 2,
        [("lookup", {"country": name}, "no answer") for name in ("FR", "DE", "IT")],
        [("lookup", FR, result) for result in ("pending", "pending", "pending", "done")],
        [("lookup", FR, result) for result in ("1 %", "2 %", "3 %")],
    ],
    ids=["a retry", "other arguments", "a poll that ends", "other results"],
)
def test_mere_repetition_is_no_loop(made: list[tuple[str, object, object]]) -> None:
    assert find_loops(make_turn(*made)) == ()


def test_a_loop_of_two_calls_by_turns_is_seen() -> None:
    assert len(find_loops(make_turn(*[("lookup", FR, "x"), ("note", FR, "y")] * 3))) == 2


def test_the_same_call_in_several_turns_is_no_loop() -> None:
    apart = [
        made
        for at in range(3)
        for made in (
            make_step("turn", "office/get/data", 10 * at, 10 * at + 9),
            make_step("tool", "office/get/data/lookup", 10 * at + 1, 10 * at + 2, arguments=FR),
        )
    ]
    assert find_loops(apart) == ()


def asked(coworker: str, text: str = "find it", error: str | None = None) -> Step:
    arguments = {"coworker": coworker, "task": text, "context": ""}
    path = "office/get/manager/delegate_work_to_coworker"
    return make_step("tool", path, 0, 5, arguments=arguments, error=error)


def test_an_agent_that_has_the_tool_can_be_asked() -> None:
    assert delegation_failure(asked("data", "use lookup for FR"), ROSTER, {}) is None


def test_an_agent_is_found_as_crewai_finds_it() -> None:
    assert delegation_failure(asked(' "DATA"\n'), ROSTER, {}) is None


def test_an_agent_that_does_not_exist_cannot_be_asked() -> None:
    why = delegation_failure(asked("archivist"), ROSTER, {})
    assert why == "there is no agent 'archivist'; there are data, writer"


def test_an_agent_cannot_be_asked_for_a_tool_that_another_has() -> None:
    why = delegation_failure(asked("writer", "Lookup the value of FR"), ROSTER, {})
    assert why == "writer was asked to use lookup, which data has"


def test_an_agent_without_the_tools_of_the_task_cannot_be_asked() -> None:
    why = delegation_failure(asked("writer"), ROSTER, {"get": ["lookup"]})
    assert why == "writer has none of the tools that 'get' takes: lookup"


def test_a_delegation_that_raised_has_failed() -> None:
    assert (
        delegation_failure(asked("data", error="ValueError: no"), ROSTER, {})
        == "data failed: ValueError: no"
    )


def test_a_run_without_delegation_has_depth_one_and_counts_every_agent() -> None:
    told = routing_attributes(make_turn(("lookup", FR, "4.9")), ROSTER)
    assert told == {
        "flight_recorder.routing.data.call_count": 1,
        "flight_recorder.routing.writer.call_count": 0,
        "flight_recorder.routing.total_delegations": 0,
        "flight_recorder.routing.failed_delegations": 0,
        "flight_recorder.routing.loop_detected": False,
        "flight_recorder.routing.task_depth": 1,
    }


def test_a_manager_that_delegates_is_one_turn_deeper(tmp_path: Path) -> None:
    ask = {"coworker": "data", "task": "look up FR", "context": "none"}
    lines = (
        tool_calls_line("manager", ("delegate_work_to_coworker", ask)),
        tool_calls_line("data", ("lookup", FR)),
        reply_line("data", "4.9"),
        reply_line("manager", "it is 4.9"),
    )
    with replay_lines(tmp_path, *lines) as replay, collect_steps() as log:
        data, manager = agent(replay, "data", tools=[lookup]), agent(replay, "manager")
        led = {"agents": [data], "manager_agent": manager, "process": Process.hierarchical}
        crew(task(None, "get"), **led).kickoff()
    told = routing_attributes(log.steps, ROSTER | {"manager": []})
    assert told["flight_recorder.routing.total_delegations"] == 1
    assert told["flight_recorder.routing.failed_delegations"] == 0
    assert told["flight_recorder.routing.task_depth"] == 2
    assert told["flight_recorder.routing.max_delegation_latency_ms"] != 0
