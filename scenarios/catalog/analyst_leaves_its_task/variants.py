"""The broken finance crew: every agent has every tool."""

from crewai import Agent

from workflows.crew_finance import FinanceCrew
from workflows.support import finance


class GivesEveryAgentEveryTool(FinanceCrew):
    """The mistake: no agent should wait for another one's tool, so each may look figures up."""

    def build_agents(self, bank: finance.WorldBank, evidence: finance.Evidence) -> list[Agent]:
        agents = super().build_agents(bank, evidence)
        every_tool = [tool for agent in agents for tool in agent.tools or []]
        for agent in agents:
            agent.tools = every_tool
        return agents
