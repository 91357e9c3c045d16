"""A CrewAI flow of two crews: one finds out when a pass is open, the other one writes it down."""

from crewai import Agent, Crew, Task
from crewai.flow.flow import Flow, listen, start
from crewai.tools import tool


@tool("road_report")
def road_report(road: str) -> str:
    """Look up whether a road is open."""
    return f"{road} is open from May"


class TravelFlow(Flow):  # type: ignore[type-arg] # as in its tutorials
    """Research, then write."""

    @start()
    def research(self) -> str:
        researcher = Agent(
            role="Researcher",
            goal="find facts",
            backstory="You read road reports.",
            llm="gpt-4o-mini",
            tools=[road_report],
        )
        checker = Agent(
            role="Checker", goal="doubt facts", backstory="You check dates.", llm="gpt-4o-mini"
        )
        find = Task(
            description="When is the Susten pass open?",
            expected_output="a month",
            agent=researcher,
        )
        check = Task(
            description="Check the month.",
            expected_output="the month, checked",
            agent=checker,
            context=[find],
        )
        return str(Crew(agents=[researcher, checker], tasks=[find, check]).kickoff())

    @listen(research)
    def write(self, fact: str) -> str:
        writer = Agent(
            role="Writer", goal="invite guests", backstory="You are brief.", llm="gpt-4o-mini"
        )
        task = Task(
            description=f"Write a line about this: {fact}", expected_output="a line", agent=writer
        )
        return str(Crew(agents=[writer], tasks=[task]).kickoff())


print(TravelFlow().kickoff())
