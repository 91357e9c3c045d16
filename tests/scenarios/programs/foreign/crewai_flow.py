"""A CrewAI flow of two crews: one finds something, the other writes it down."""

import sys
from typing import Any

from crewai import Agent, Crew, Task
from crewai.flow.flow import Flow, listen, start
from crewai.tools import tool

STYLE = sys.argv[1]


@tool("road_report")
def road_report(road: str) -> str:
    """Look up whether a road is open."""
    return f"{road} is open from May"


class TravelFlow(Flow[dict[str, Any]]):
    """Research, then write."""

    @start()
    def research(self) -> str:
        researcher = Agent(
            role="Researcher",
            goal="find facts",
            backstory="You read reports.",
            llm="gpt-4o-mini",
            tools=[road_report],
        )
        task = Task(
            description="When is the pass open?", expected_output="a fact", agent=researcher
        )
        return str(Crew(agents=[researcher], tasks=[task]).kickoff())

    @listen(research)
    def write(self, fact: str) -> str:
        writer = Agent(role="Writer", goal="write", backstory=STYLE, llm="gpt-4o-mini")
        task = Task(
            description=f"Write a line about this: {fact}", expected_output="a line", agent=writer
        )
        return str(Crew(agents=[writer], tasks=[task]).kickoff())


print(TravelFlow().kickoff())
