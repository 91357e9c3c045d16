"""A shared state: who wrote what on which ground, and who had not seen what he replaced."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mlflow
import pytest

from instrumentation.state.shared_state import SharedState, StaleWriteError, UnknownKeyError
from instrumentation.trace.outline import render_outline
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from tests.support.autogen_agents import load_trace

FOUND = '{"value": 4.878, "unit": "%", "period": "2023"}'


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=()):
        yield


@pytest.fixture
def state() -> SharedState:
    return SharedState()


def test_what_was_written_is_read(state: SharedState) -> None:
    state.write("cpi", 4.9, author="data")
    entry = state.read("cpi", reader="analyst")
    assert (entry.value, entry.author, entry.version) == (4.9, "data", 1)


def test_nothing_is_overwritten(state: SharedState) -> None:
    for value in (1, 2):
        state.write("cpi", value, author="data")
    assert [entry.value for entry in state.history("cpi")] == [1, 2]


@pytest.mark.parametrize(
    "value",
    [4.878, 4.9, "4.9 %", {"value": 4.9, "unit": "%"}, FOUND, "about 4.9% in 2023"],
)
def test_a_value_that_a_tool_returned_is_grounded(state: SharedState, value: Any) -> None:
    state.record_tool_result("world_bank", FOUND)
    assert state.write("cpi", value, author="data").grounded_by == "world_bank"


@pytest.mark.parametrize("value", [5.1, "4.9 km", {"value": 4.9, "also": 5.1}, "high", None, ""])
def test_a_value_that_no_tool_returned_is_a_guess(state: SharedState, value: Any) -> None:
    state.record_tool_result("world_bank", FOUND)
    assert not state.write("cpi", value, author="data").is_grounded


def test_words_are_grounded_by_the_same_words(state: SharedState) -> None:
    state.record_tool_result("world_bank", "There is no data for 2023.")
    assert state.write("cpi", "no data", author="data").is_grounded


def test_a_guess_is_read_as_a_guess(state: SharedState) -> None:
    state.write("cpi", 5.1, author="data")
    assert not state.read("cpi", reader="analyst").is_grounded


def test_a_key_that_nobody_wrote_is_named_with_the_nearest(state: SharedState) -> None:
    state.write("inflation", 4.9, author="data")
    with pytest.raises(
        UnknownKeyError, match="nobody has written 'inflaton'; the nearest key is 'infl"
    ):
        state.read("inflaton", reader="analyst")


def test_a_stale_write_is_refused_and_changes_nothing(state: SharedState) -> None:
    state.write("cpi", 1, author="data")
    state.write("cpi", 2, author="writer", expected_version=1)
    with pytest.raises(
        StaleWriteError, match="data expected version 1 of 'cpi', and there is 2, by wr"
    ):
        state.write("cpi", 3, author="data", expected_version=1)
    assert [entry.value for entry in state.history("cpi")] == [1, 2]


def test_a_key_that_only_a_stale_write_named_is_unknown(state: SharedState) -> None:
    with pytest.raises(StaleWriteError):
        state.write("cpi", 1, author="data", expected_version=4)
    with pytest.raises(UnknownKeyError, match="no keys at all"):
        state.read("cpi", reader="data")


def test_a_write_over_what_its_author_had_not_read_is_concurrent(state: SharedState) -> None:
    state.write("cpi", 1, author="data")
    state.write("cpi", 2, author="writer")
    assert state.attributes()["flight_recorder.state.concurrent_write_count"] == 1


def test_a_write_over_what_its_author_had_read_is_none(state: SharedState) -> None:
    state.write("cpi", 1, author="data")
    state.read("cpi", reader="writer")
    state.write("cpi", 2, author="writer")
    assert state.attributes()["flight_recorder.state.concurrent_write_count"] == 0


def test_an_author_that_writes_again_is_alone(state: SharedState) -> None:
    for value in (1, 2, 3):
        state.write("cpi", value, author="data")
    assert state.attributes()["flight_recorder.state.concurrent_write_count"] == 0


def test_compare_and_set_in_many_threads_loses_nothing(state: SharedState) -> None:
    state.write("count", 0, author="nobody")

    def add(author: str) -> None:
        while True:
            seen = state.read("count", reader=author)
            try:
                state.write("count", seen.value + 1, author=author, expected_version=seen.version)
            except StaleWriteError:
                continue
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, [f"agent {number}" for number in range(12)]))
    assert state.read("count", reader="nobody").value == 12


def test_what_was_written_can_not_be_changed_from_outside(state: SharedState) -> None:
    value = {"cpi": [1]}
    state.write("all", value, author="data")
    value["cpi"].append(2)
    state.read("all", reader="writer").value["cpi"].append(3)
    assert state.read("all", reader="writer").value == {"cpi": [1]}


def test_two_states_never_see_each_other(state: SharedState) -> None:
    state.write("cpi", 1, author="data")
    assert SharedState().attributes()["flight_recorder.state.write_count"] == 0


def seen(of: Any) -> Trace:
    """The trace of what `of` does with a state."""
    with record_run() as run, mlflow.start_span("root"):
        of(SharedState())
    return load_trace(run)


def states(trace: Trace) -> list[Span]:
    return list(trace.spans_of_type("STATE"))


def test_a_write_and_a_read_are_spans() -> None:
    def worked(state: SharedState) -> None:
        state.write("cpi", 4.9, author="data")
        state.read("cpi", reader="analyst")

    write, read = states(seen(worked))
    assert (write.name, write.attributes["flight_recorder.state.author"]) == ("write cpi", "data")
    assert (read.name, read.attributes["flight_recorder.state.reader"], read.outputs) == (
        "read cpi",
        "analyst",
        4.9,
    )
    assert write.attributes["flight_recorder.state.grounded"] is False


def test_a_write_says_which_tool_grounds_it() -> None:
    def worked(state: SharedState) -> None:
        state.record_tool_result("world_bank", FOUND)
        state.write("cpi", 4.9, author="data")

    (write,) = states(seen(worked))
    assert write.attributes["flight_recorder.state.grounded_by"] == "world_bank"


def test_an_entry_knows_the_span_of_its_write_and_of_its_source() -> None:
    with record_run(), mlflow.start_span("lookup") as tool:
        state = SharedState()
        state.record_tool_result("world_bank", FOUND)
        entry = state.write("cpi", 4.9, author="data")
    assert entry.source_span_id == tool.span_id
    assert entry.span_id not in (None, tool.span_id)


def test_a_stale_write_is_a_span_that_failed() -> None:
    def worked(state: SharedState) -> None:
        with pytest.raises(StaleWriteError):
            state.write("cpi", 1, author="data", expected_version=4)

    (write,) = states(seen(worked))
    assert write.status == "ERROR"


def test_a_write_over_what_was_unread_names_whose_work_it_replaces_once() -> None:
    def worked(state: SharedState) -> None:
        for author in ("data", "analyst", "data", "writer"):
            state.write("cpi", 4.9, author=author)

    trace = seen(worked)
    replaced = [write.attributes.get("flight_recorder.state.replaces") for write in states(trace)]
    assert replaced == [None, ["data"], ["analyst"], ["data", "analyst"]]
    assert "write cpi  [STATE OK]  ungrounded  over data, analyst, unread\n" in render_outline(
        trace
    )
