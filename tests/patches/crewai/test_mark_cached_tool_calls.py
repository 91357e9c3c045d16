"""A tool call that CrewAI answers from its cache is marked."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from crewai.events import ToolUsageFinishedEvent, crewai_event_bus

from instrumentation.tracing import enable_tracing, record_run
from scenarios.replay.replay_server import ReplayServer
from tests.support.autogen_agents import load_trace, replay_lines, reply_line
from tests.support.crewai_crews import agent, crew, lookup, lookup_line, task

LINES = (lookup_line("a", "FR"), lookup_line("a", "FR"), lookup_line("a", "DE"))


@pytest.fixture
def recording(store: str) -> Generator[None]:
    with enable_tracing(store, frameworks=("crewai",)):
        yield


def run_crew(replay: ReplayServer, *, cache: bool) -> None:
    crew(task(agent(replay, "a", tools=[lookup], cache=cache), "work"), cache=cache).kickoff()


@pytest.mark.xfail(reason="the event of a native call lacks it", raises=AssertionError)
def test_upstream_crewai_reports_a_native_call_as_cached(tmp_path: Path) -> None:
    cached: list[bool] = []
    with (
        crewai_event_bus.scoped_handlers(),
        replay_lines(tmp_path, *LINES, reply_line("a", "done")) as replay,
    ):

        @crewai_event_bus.on(ToolUsageFinishedEvent)
        def _(source: Any, event: ToolUsageFinishedEvent) -> None:
            cached.append(event.from_cache)

        run_crew(replay, cache=True)
        crewai_event_bus.flush()
    assert True in cached


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize(("cache", "marks"), [(True, [None, True, None]), (False, [None] * 3)])
def test_a_call_answered_from_the_cache_is_marked(
    tmp_path: Path, cache: bool, marks: list[bool | None]
) -> None:
    lines = (*LINES, reply_line("a", "done"))
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        run_crew(replay, cache=cache)
    calls = load_trace(run).spans_of_type("TOOL")
    recorded = [call.attributes.get("flight_recorder.crew.tool.from_cache") for call in calls]
    assert recorded == marks
    assert [call.outputs for call in calls] == [
        f"the value of {name}" for name in ("FR", "FR", "DE")
    ]
