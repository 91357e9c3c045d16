"""An incident triage, a CrewAI crew in sequence: a watcher with tools, an analyst, a commander."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from crewai import Crew, Task
from crewai.tools import tool

from scenarios.replay.replay_server import ReplayServer
from tests.scenarios.traces.diagnoses.unseen.programs.crew_member import crew_member

ALERT = "Checkout has been slow since 14:05. Find the cause and write a status message."
POOL_LOG = "14:04 payments WARN connection pool exhausted, 50 of 50 in use"
Log = Callable[[], str]


def log_of(*replies: str) -> Log:
    """A log that answers with each reply in turn, then with the last one."""
    pending = list(replies)
    return lambda: pending.pop(0) if len(pending) > 1 else pending[0]


class Triage:
    """Looks at metrics and logs, names the cause, and writes a status message."""

    def __init__(self, *log: str, latency_ms: Sequence[int] = (2300,)) -> None:
        self.log, self.latency_ms = log or (POOL_LOG,), latency_ms

    def run(self, replay: ReplayServer) -> str:
        read, values = log_of(*self.log), list(self.latency_ms)

        def query_metric(service: str, metric: str) -> str:
            """Query the current value of a metric of a service."""
            value, unit = (values.pop(0) if len(values) > 1 else values[0]), "ms"
            if metric == "error_rate":
                value, unit = 2, "percent of requests"
            return json.dumps({"service": service, "metric": metric, "value": value, "unit": unit})

        def read_log(service: str) -> str:
            """Read the newest lines of the log of a service."""
            return read()

        tools: list[Any] = [tool("query_metric")(query_metric), tool("read_log")(read_log)]
        for one in tools:
            one.cache_function = lambda *_: False  # a metric changes
        watcher = crew_member(replay, "watcher", "Collect signals", "You are on call.", *tools)
        analyst = crew_member(replay, "analyst", "Name the cause", "You know the system.")
        commander = crew_member(replay, "commander", "Inform all", "You lead incidents.")
        signals = Task(
            name="signals",
            description=f"{ALERT} Collect latency of checkout and the log of payments.",
            expected_output="The signals.",
            agent=watcher,
        )
        cause = Task(
            name="cause",
            description="Name the most likely cause.",
            expected_output="The cause.",
            agent=analyst,
            context=[signals],
        )
        status = Task(
            name="status",
            description="Write the status message.",
            expected_output="A message.",
            agent=commander,
            context=[signals, cause],
        )
        crew = Crew(
            name="triage", agents=[watcher, analyst, commander], tasks=[signals, cause, status]
        )
        return str(crew.kickoff())
