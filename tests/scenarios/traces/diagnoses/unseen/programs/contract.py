"""A contract review, an AutoGen SelectorGroupChat: drafter, counsel, clerk."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import httpx
from autogen_agentchat.agents import MessageFilterAgent, MessageFilterConfig, PerSourceFilter
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import SelectorGroupChat

from scenarios.replay.replay_server import ReplayServer
from tests.support.autogen_agents import agent, client

TASK = (
    "Write the termination clause of our contract with Orla Ltd: notice of 90 days in writing, no"
    " automatic renewal, and damages capped at 250,000 EUR in all."
)


class ContractReview:
    """The drafter writes until counsel approves; then the clerk files a summary."""

    clerk_reads: tuple[str, ...] = ("user", "drafter", "counsel")

    def run(self, replay: ReplayServer) -> str:
        return asyncio.run(self.review(replay))

    async def review(self, replay: ReplayServer) -> str:
        async with httpx.AsyncClient() as http:
            result = await self.build_team(replay, http).run(task=TASK)
        return str(result.messages[-1].content)  # type: ignore[union-attr] # texts only

    def build_team(self, replay: ReplayServer, http: httpx.AsyncClient) -> SelectorGroupChat:
        make = partial(agent, replay, client={"http_client": http})
        drafter = make("drafter", system_message="You draft contract clauses.")
        counsel = make("counsel", system_message="You check a draft: APPROVED, or what is wrong.")
        clerk = make("clerk", system_message="You summarize the clause, and say FILED.")
        sources = [
            PerSourceFilter(source=one, position="last", count=1) for one in self.clerk_reads
        ]
        return SelectorGroupChat(
            [
                drafter,
                counsel,
                MessageFilterAgent("clerk", clerk, MessageFilterConfig(per_source=sources)),
            ],
            model_client=client(replay, "selector", http_client=http),
            selector_func=self.next_speaker,
            termination_condition=TextMentionTermination("FILED", sources=["clerk"])
            | MaxMessageTermination(7),
        )

    def next_speaker(self, messages: Sequence[Any]) -> str:
        last = messages[-1]
        if last.source == "counsel":
            return "clerk" if self.is_approved(last.content) else "drafter"
        return "counsel" if last.source == "drafter" else "drafter"

    def is_approved(self, verdict: str) -> bool:
        return verdict.startswith("APPROVED")


class LooksForTheWord(ContractReview):
    """The mistake: an objection that names the word counts as approval."""

    def is_approved(self, verdict: str) -> bool:
        return "approve" in verdict.lower()


class FilesTheVerdict(ContractReview):
    """The mistake: the filter lets only counsel's message through to the clerk."""

    clerk_reads = ("counsel",)


class FilesWithoutApproval(LooksForTheWord, FilesTheVerdict):
    """Both mistakes."""
