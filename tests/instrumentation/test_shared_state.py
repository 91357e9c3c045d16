"""The shared state: versions, grounding, concurrent and stale writes, and their spans."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mlflow
import pytest

from instrumentation.state import SharedState, StaleWriteError, UnknownKeyError
from instrumentation.trace.outline import render_outline
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from instrumentation.tracing import enable_tracing, record_run
from tests.support.autogen_agents import load_trace

RESULT = '{"value": 4.878, "unit": "%", "period": "2023"}'


@pytest.fixture(autouse=True)
def _recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=()):
        yield


@pytest.fixture
def state() -> SharedState:
    return SharedState()


def test_a_written_value_can_be_read(state: SharedState) -> None:
    state.write("cpi", 4.9, author="data")
    entry = state.read("cpi", reader="analyst")
    assert (entry.value, entry.author, entry.version) == (4.9, "data", 1)


def test_every_version_stays_in_the_history(state: SharedState) -> None:
    for value in (1, 2):
        state.write("cpi", value, author="data")
    assert [entry.value for entry in state.history("cpi")] == [1, 2]


@pytest.mark.parametrize(
    "value",
    [4.878, 4.9, "4.9 %", {"value": 4.9, "unit": "%"}, RESULT, "about 4.9% in 2023"],
)
def test_a_value_in_a_tool_result_is_grounded(state: SharedState, value: Any) -> None:
    state.record_tool_result("world_bank", RESULT)
    assert state.write("cpi", value, author="data").grounded_by == "world_bank"


@pytest.mark.parametrize("value", [5.1, "4.9 km", {"value": 4.9, "also": 5.1}, "high", None, ""])
def test_a_value_in_no_tool_result_is_not_grounded(state: SharedState, value: Any) -> None:
    state.record_tool_result("world_bank", RESULT)
    assert not state.write("cpi", value, author="data").is_grounded


class Unwritable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


CYCLIC: list[Any] = []
CYCLIC.append(CYCLIC)


@pytest.mark.parametrize("value", [CYCLIC, 10**5000, Unwritable()], ids=["cycle", "huge", "repr"])
def test_a_value_that_cannot_be_written_as_text_is_kept(state: SharedState, value: Any) -> None:
    state.record_tool_result("odd", value)
    state.record_tool_result("world_bank", RESULT)
    state.write("odd", value, author="data")
    assert type(state.read("odd", reader="analyst").value) is type(value)
    assert state.write("cpi", 4.9, author="data").grounded_by == "world_bank"


def test_words_are_grounded_by_the_same_words(state: SharedState) -> None:
    state.record_tool_result("world_bank", "There is no data for 2023.")
    assert state.write("cpi", "no data", author="data").is_grounded


def test_a_reader_sees_that_a_value_is_not_grounded(state: SharedState) -> None:
    state.write("cpi", 5.1, author="data")
    assert not state.read("cpi", reader="analyst").is_grounded


def test_the_error_for_an_unknown_key_names_the_nearest_key(state: SharedState) -> None:
    state.write("inflation", 4.9, author="data")
    with pytest.raises(
        UnknownKeyError, match="'inflaton' was never written; did you mean 'inflation'"
    ):
        state.read("inflaton", reader="analyst")


def test_a_stale_write_is_rejected_and_changes_nothing(state: SharedState) -> None:
    state.write("cpi", 1, author="data")
    state.write("cpi", 2, author="writer", expected_version=1)
    with pytest.raises(
        StaleWriteError,
        match="expected version 1 of 'cpi', but the current version is 2, by writer",
    ):
        state.write("cpi", 3, author="data", expected_version=1)
    assert [entry.value for entry in state.history("cpi")] == [1, 2]


def test_a_key_of_a_rejected_write_is_unknown(state: SharedState) -> None:
    with pytest.raises(StaleWriteError):
        state.write("cpi", 1, author="data", expected_version=4)
    with pytest.raises(UnknownKeyError, match="known keys: none"):
        state.read("cpi", reader="data")


def test_a_write_over_an_unread_version_is_concurrent(state: SharedState) -> None:
    state.write("cpi", 1, author="data")
    state.write("cpi", 2, author="writer")
    assert state.attributes()["flight_recorder.state.concurrent_write_count"] == 1


def test_a_write_over_a_read_version_is_not_concurrent(state: SharedState) -> None:
    state.write("cpi", 1, author="data")
    state.read("cpi", reader="writer")
    state.write("cpi", 2, author="writer")
    assert state.attributes()["flight_recorder.state.concurrent_write_count"] == 0


def test_an_author_does_not_conflict_with_itself(state: SharedState) -> None:
    for value in (1, 2, 3):
        state.write("cpi", value, author="data")
    assert state.attributes()["flight_recorder.state.concurrent_write_count"] == 0


def test_compare_and_set_in_many_threads_loses_nothing(state: SharedState) -> None:
    state.write("count", 0, author="nobody")

    def add(author: str) -> None:
        while True:
            entry = state.read("count", reader=author)
            try:
                state.write("count", entry.value + 1, author=author, expected_version=entry.version)
            except StaleWriteError:
                continue
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, [f"agent {number}" for number in range(12)]))
    assert state.read("count", reader="nobody").value == 12


def test_a_stored_value_cannot_be_changed_from_outside(state: SharedState) -> None:
    value = {"cpi": [1]}
    state.write("all", value, author="data")
    value["cpi"].append(2)
    state.read("all", reader="writer").value["cpi"].append(3)
    assert state.read("all", reader="writer").value == {"cpi": [1]}


def test_two_states_are_independent(state: SharedState) -> None:
    state.write("cpi", 1, author="data")
    assert SharedState().attributes()["flight_recorder.state.write_count"] == 0


def record(use_state: Callable[[SharedState], None]) -> Trace:
    """Call a function with a new state, and return the trace."""
    with record_run() as run, mlflow.start_span("root"):
        use_state(SharedState())
    return load_trace(run)


def state_spans(trace: Trace) -> list[Span]:
    return list(trace.spans_of_type("STATE"))


def test_a_write_and_a_read_are_spans() -> None:
    def use_state(state: SharedState) -> None:
        state.write("cpi", 4.9, author="data")
        state.read("cpi", reader="analyst")

    write, read = state_spans(record(use_state))
    assert (write.name, write.attributes["flight_recorder.state.author"]) == ("write cpi", "data")
    assert (read.name, read.attributes["flight_recorder.state.reader"], read.outputs) == (
        "read cpi",
        "analyst",
        4.9,
    )
    assert write.attributes["flight_recorder.state.grounded"] is False


def test_a_write_span_names_the_tool_that_grounds_the_value() -> None:
    def use_state(state: SharedState) -> None:
        state.record_tool_result("world_bank", RESULT)
        state.write("cpi", 4.9, author="data")

    (write,) = state_spans(record(use_state))
    assert write.attributes["flight_recorder.state.grounded_by"] == "world_bank"


def test_an_entry_has_the_span_ids_of_its_write_and_its_source() -> None:
    with record_run(), mlflow.start_span("lookup") as tool:
        state = SharedState()
        state.record_tool_result("world_bank", RESULT)
        entry = state.write("cpi", 4.9, author="data")
    assert entry.source_span_id == tool.span_id
    assert entry.span_id not in (None, tool.span_id)


def test_a_stale_write_is_a_failed_span() -> None:
    def use_state(state: SharedState) -> None:
        with pytest.raises(StaleWriteError):
            state.write("cpi", 1, author="data", expected_version=4)

    (write,) = state_spans(record(use_state))
    assert write.status == "ERROR"


def test_a_concurrent_write_names_each_replaced_author_once() -> None:
    def use_state(state: SharedState) -> None:
        for author in ("data", "analyst", "data", "writer"):
            state.write("cpi", 4.9, author=author)

    trace = record(use_state)
    replaced = [
        write.attributes.get("flight_recorder.state.replaces") for write in state_spans(trace)
    ]
    assert replaced == [None, ["data"], ["analyst"], ["data", "analyst"]]
    assert "write cpi  [STATE OK]  ungrounded  over data, analyst, unread\n" in render_outline(
        trace
    )
