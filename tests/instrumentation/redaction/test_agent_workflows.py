"""Redaction of agent runs: secrets in tasks, prompts, answers, tools, streams and errors."""

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
from tests.support.crewai_crews import agent as crew_agent
from tests.support.crewai_crews import crew, task

NUMBERS = count(5000)


@dataclass
class SecretPlanter:
    """Plants secrets, and searches for them afterwards."""

    secrets: list[str] = field(default_factory=list)

    def plant(self, *kinds: str) -> str:
        """Create a text with a secret of each kind, or of the given kinds."""
        secrets = [
            agent_of_crew
            for kind, agent_of_crew in plant_secrets(next(NUMBERS)).items()
            if not kinds or kind in kinds
        ]
        self.secrets += [secret.secret for secret in secrets]
        return "\n".join(secret.text for secret in secrets)

    def found_in(self, stored: bytes) -> list[str]:
        """Return the planted secrets that these bytes contain."""
        return [secret for secret in self.secrets if secret.encode() in stored]


@pytest.fixture(params=["batched", "one by one"])
def planter(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, store: str
) -> Generator[SecretPlanter]:
    """A planter; after the test, no planted secret may be in the database."""
    if request.param == "one by one":
        monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    planter = SecretPlanter()
    with enable_tracing(store, frameworks=("autogen", "crewai")):
        yield planter
    database = Path(store.removeprefix("sqlite:///"))
    files = database.parent.glob(f"{database.name}*")
    assert planter.found_in(b"\n".join(file.read_bytes() for file in files)) == []


async def test_no_secret_of_a_team_is_stored(planter: SecretPlanter, tmp_path: Path) -> None:
    def search(place: str) -> str:
        """Look somewhere."""
        return planter.plant()

    def failing_search(place: str) -> str:
        """Fail to look."""
        raise RuntimeError(planter.plant())

    lines = [
        tool_calls_line("a", ("look", {"place": planter.plant()})),
        tool_calls_line("a", ("fail", {"place": planter.plant()})),
        reply_line("a", planter.plant()),
        reply_line("b", planter.plant()),
    ]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        tools = {
            "tools": [search, failing_search],
            "max_tool_iterations": 5,
            "system_message": planter.plant(),
        }
        team = chain(agent(replay, "a", **tools), agent(replay, "b", model_client_stream=True))
        with mlflow.tracing.context(session_id=planter.plant("card"), user=planter.plant("e-mail")):
            await team.run(task=planter.plant())
    (trace,) = run.traces()
    assert {span.span_type for span in trace.data.spans} >= {"AGENT", "LLM", "TOOL", "HANDOFF"}
    assert trace.to_json().count("[redacted: ") > 100


async def test_no_secret_of_a_failing_team_is_stored(
    planter: SecretPlanter, tmp_path: Path
) -> None:
    def failing_condition(messages: Any) -> bool:
        raise ValueError(planter.plant())

    with (
        replay_lines(tmp_path, reply_line("a", planter.plant()), reply_line("b", "x")) as replay,
        record_run() as run,
    ):
        first, second = agent(replay, "a"), agent(replay, "b")
        graph = DiGraphBuilder().add_node(first).add_node(second)
        graph.add_edge(first, second, condition=failing_condition)
        team = GraphFlow([first, second], graph=graph.build())
        with pytest.raises(RuntimeError, match="ValueError"):
            await team.run(task=planter.plant())
    (trace,) = run.traces()
    assert trace.info.state == "ERROR"
    assert trace.to_json().count("[redacted: ") > 100


def test_no_secret_of_a_crew_is_stored(planter: SecretPlanter, tmp_path: Path) -> None:
    @tool("look")
    def search(place: str) -> str:
        """Look somewhere."""
        if place == "nowhere":
            raise RuntimeError(planter.plant())
        return planter.plant()

    lines: list[Any] = [
        tool_calls_line("a", ("look", {"place": planter.plant()})),
        tool_calls_line("a", ("look", {"place": "nowhere"})),
        reply_line("a", planter.plant()),
        reply_line("b", planter.plant()),
    ]
    with replay_lines(tmp_path, *lines) as replay, record_run() as run:
        agents = [crew_agent(replay, role, tools=[search]) for role in "ab"]
        crew(*(task(agent_of_crew, planter.plant()) for agent_of_crew in agents)).kickoff()
    (trace,) = run.traces()
    assert {span.span_type for span in trace.data.spans} >= {"AGENT", "LLM", "TOOL", "HANDOFF"}
    assert trace.to_json().count("[redacted: ") > 100
