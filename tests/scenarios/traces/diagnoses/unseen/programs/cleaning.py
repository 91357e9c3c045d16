"""A data cleaning, an AutoGen GraphFlow: a profiler, two cleaners in parallel, a checker."""

import asyncio
import json
from collections.abc import Callable
from functools import partial

import httpx
from autogen_agentchat.agents import MessageFilterAgent, MessageFilterConfig, PerSourceFilter
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow

from scenarios.replay.replay_server import ReplayServer
from tests.support.autogen_agents import agent

TASK = (
    "Clean the table orders: remove duplicate rows, and write all dates as ISO 8601. Change nothing"
    " else."
)


class Table:
    """The table orders, as the tools see it; a job runs in the background if it is large."""

    def __init__(self, in_background: bool = False, locked: bool = False) -> None:
        self.counts = {"rows": 4120, "duplicates": 75, "bad_dates": 31}
        self.in_background, self.locked = in_background, locked

    def profile_table(self, table: str) -> str:
        """Count rows, duplicate rows and dates that are not ISO 8601."""
        return json.dumps(self.counts)

    def drop_duplicates(self, table: str) -> str:
        """Remove duplicate rows."""
        if self.in_background:
            return json.dumps({"job": "drop-81", "state": "running", "removed": None})
        self.counts |= {"rows": 4045, "duplicates": 0}
        return json.dumps({"state": "done", "removed": 75, "rows": 4045})

    def drop_rows(self, table: str, where: str) -> str:
        """Remove the rows that meet a condition."""
        self.counts["rows"] -= 212
        return json.dumps({"state": "done", "removed": 212, "rows": self.counts["rows"]})

    def fix_dates(self, table: str) -> str:
        """Write dates as ISO 8601."""
        if self.locked:
            self.locked = False
            raise RuntimeError("the table is locked by another writer, try again")
        self.counts["bad_dates"] = 0
        return json.dumps({"state": "done", "rewritten": 31})


class Cleaning:
    """Profiles the table, cleans it in two branches, and checks the result."""

    checker_reads: tuple[str, ...] = ("user", "profiler", "deduplicator", "formatter")

    def __init__(self, make_table: Callable[[], Table] = Table) -> None:
        self.make_table = make_table

    def run(self, replay: ReplayServer) -> str:
        return asyncio.run(self.clean(replay))

    async def clean(self, replay: ReplayServer) -> str:
        async with httpx.AsyncClient() as http:
            result = await self.build_team(replay, http).run(task=TASK)
        return str(result.messages[-1].content)  # type: ignore[union-attr] # texts only

    def build_team(self, replay: ReplayServer, http: httpx.AsyncClient) -> GraphFlow:
        table = self.make_table()
        make = partial(agent, replay, client={"http_client": http}, max_tool_iterations=4)
        profiler = make("profiler", tools=[table.profile_table])
        deduplicator = make("deduplicator", tools=[table.drop_duplicates, table.drop_rows])
        formatter = make("formatter", tools=[table.fix_dates])
        checker = make("checker", tools=[table.profile_table])
        sources = [
            PerSourceFilter(source=one, position="last", count=1) for one in self.checker_reads
        ]
        last = MessageFilterAgent("checker", checker, MessageFilterConfig(per_source=sources))
        graph = DiGraphBuilder()
        for one in (profiler, deduplicator, formatter, last):
            graph.add_node(one)
        for branch in (deduplicator, formatter):
            graph.add_edge(profiler, branch)
            graph.add_edge(branch, last)
        return GraphFlow([profiler, deduplicator, formatter, last], graph=graph.build())


class LosesTheFormatter(Cleaning):
    """The mistake: the filter of the checker was written before there was a formatter."""

    checker_reads = ("user", "profiler", "deduplicator")
