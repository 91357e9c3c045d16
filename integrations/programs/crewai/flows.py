"""A flow: steps that listen to each other, and a router between them; two of them are crews."""

from typing import Any

from crewai.flow.flow import Flow, listen, router, start

from integrations.programs.case_context import CaseContext
from integrations.programs.crewai.building_blocks import make_agent, make_crew, make_task


def flow(world: CaseContext) -> str:
    """One crew finds something; if it is worth noting, another notes it."""

    class SearchAndNoteFlow(Flow[dict[str, Any]]):
        @start()
        def search(self) -> str:
            scout = make_agent(world, "scout", has_lookup_tool=True)
            return str(make_crew(make_task(scout, "find the pass"), name="search").kickoff())

        @router(search)
        def decide(self, found: str) -> str:
            self.state["found"] = found
            return "noteworthy" if "open" in found else "idle"

        @listen("noteworthy")
        def note(self) -> str:
            noted = make_task(make_agent(world, "clerk"), "note this: {found}")
            return str(make_crew(noted, name="note").kickoff(inputs={"found": self.state["found"]}))

        @listen("idle")
        def rest(self) -> str:
            return "nothing to note"

    return str(SearchAndNoteFlow().kickoff())
