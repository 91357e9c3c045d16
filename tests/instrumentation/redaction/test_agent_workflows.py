"""Redaction where agents work: secrets in tasks, prompts, answers, tools, streams and errors."""

from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import mlflow
import pytest
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow
from crewai.tools import tool

from instrumentation.tracing import enable_tracing, record_run
from tests.instrumentation.redaction.planted_secrets import plant_secrets
from tests.support.autogen_agents import agent, chain, replay_lines, reply_line, tool_calls_line
from tests.support.crewai_crews import agent as worker
from tests.support.crewai_crews import crew, task

NUMBERS = count(5000)


@dataclass
class Garden:
    """What was planted so far: texts that hold a secret of each kind."""

    needles: list[str] = field(default_factory=list)

    def plant(self, *kinds: str) -> str:
        """A text with a secret of each kind, or of those that are named."""
        secrets = [
            one for kind, one in plant_secrets(next(NUMBERS)).items() if not kinds or kind in kinds
        ]
        self.needles += [secret.secret for secret in secrets]
        return "\n".join(secret.text for secret in secrets)

    def found(self, left: bytes) -> list[str]:
        """Those that left."""
        return [needle for needle in self.needles if needle.encode() in left]


@pytest.fixture(params=["batched", "one by one"])
def garden(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, store: str
) -> Generator[Garden]:
    """A garden to plant in, which looks into the database once the test has ended."""
    if request.param == "one by one":
        monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    garden = Garden()
    with enable_tracing(store, frameworks=("autogen", "crewai")):
        yield garden
    database = Path(store.removeprefix("sqlite:///"))
    files = database.parent.glob(f"{database.name}*")
    assert garden.found(b"\n".join(file.read_bytes() for file in files)) == []


async def test_no_secret_of_a_team_is_stored(garden: Garden, tmp_path: Path) -> None:
    def look(place: str) -> str:
        """Look somewhere."""
        return garden.plant()

    def fail(place: str) -> str:
        """Fail to look."""
        raise RuntimeError(garden.plant())

    lines = [
        tool_calls_line("a", ("look", {"place": garden.plant()})),
        tool_calls_line("a", ("fail", {"place": garden.plant()})),
        reply_line("a", garden.plant()),
        reply_line("b", garden.plant()),
    ]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        tools = {"tools": [look, fail], "max_tool_iterations": 5, "system_message": garden.plant()}
        team = chain(agent(replay, "a", **tools), agent(replay, "b", model_client_stream=True))
        with mlflow.tracing.context(session_id=garden.plant("card"), user=garden.plant("e-mail")):
            await team.run(task=garden.plant())
    (trace,) = run.traces()
    assert {span.span_type for span in trace.data.spans} >= {"AGENT", "LLM", "TOOL", "HANDOFF"}
    assert trace.to_json().count("[redacted: ") > 100


async def test_no_secret_of_a_team_that_fails_is_stored(garden: Garden, tmp_path: Path) -> None:
    def broken(messages: Any) -> bool:
        raise ValueError(garden.plant())

    with (
        replay_lines(tmp_path, reply_line("a", garden.plant()), reply_line("b", "x")) as replay,
        record_run() as run,
    ):
        first, second = agent(replay, "a"), agent(replay, "b")
        graph = DiGraphBuilder().add_node(first).add_node(second)
        graph.add_edge(first, second, condition=broken)
        team = GraphFlow([first, second], graph=graph.build())
        with pytest.raises(RuntimeError, match="ValueError"):
            await team.run(task=garden.plant())
    (trace,) = run.traces()
    assert trace.info.state == "ERROR"
    assert trace.to_json().count("[redacted: ") > 100


def test_no_secret_of_a_crew_is_stored(garden: Garden, tmp_path: Path) -> None:
    @tool("look")
    def look(place: str) -> str:
        """Look somewhere."""
        if place == "nowhere":
            raise RuntimeError(garden.plant())
        return garden.plant()

    lines: list[Any] = [
        tool_calls_line("a", ("look", {"place": garden.plant()})),
        tool_calls_line("a", ("look", {"place": "nowhere"})),
        reply_line("a", garden.plant()),
        reply_line("b", garden.plant()),
    ]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        agents = [worker(replay, role, tools=[look]) for role in "ab"]
        crew(*(task(one, garden.plant()) for one in agents)).kickoff()
    (trace,) = run.traces()
    assert {span.span_type for span in trace.data.spans} >= {"AGENT", "LLM", "TOOL", "HANDOFF"}
    assert trace.to_json().count("[redacted: ") > 100
