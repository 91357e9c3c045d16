"""A flow: steps that listen to each other, and a router between them; two of them are crews."""

from typing import Any

from crewai.flow.flow import Flow, listen, router, start

from integrations.programs.case_context import World
from integrations.programs.crewai.building_blocks import agent, crew, task


def flow(world: World) -> str:
    """One crew finds something; if it is worth noting, another notes it."""

    class Journey(Flow[dict[str, Any]]):
        @start()
        def search(self) -> str:
            scout = agent(world, "scout", looks_up=True)
            return str(crew(task(scout, "find the pass"), name="search").kickoff())

        @router(search)
        def judged(self, found: str) -> str:
            self.state["found"] = found
            return "noteworthy" if "open" in found else "idle"

        @listen("noteworthy")
        def note(self) -> str:
            noted = task(agent(world, "clerk"), "note this: {found}")
            return str(crew(noted, name="note").kickoff(inputs={"found": self.state["found"]}))

        @listen("idle")
        def rest(self) -> str:
            return "nothing to note"

    return str(Journey().kickoff())
