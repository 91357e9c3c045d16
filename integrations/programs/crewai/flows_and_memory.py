"""CrewAI programs: a flow of crews with a router, and a crew with memory."""

from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import Any

from crewai.flow.flow import Flow, listen, router, start
from openai import OpenAI

from integrations.programs.case_context import (
    AGENT_HEADER,
    API_KEY,
    CaseContext,
    UnsupportedFeatureError,
)
from integrations.programs.crewai.building_blocks import (
    make_agent,
    make_crew,
    make_model,
    make_task,
)


def flow(context: CaseContext) -> str:
    """A flow in which one crew finds something, and another writes it down if it is noteworthy."""

    class Journey(Flow[dict[str, Any]]):
        @start()
        def search(self) -> str:
            scout = make_agent(context, "scout", has_lookup_tool=True)
            return str(make_crew(make_task(scout, "find the pass"), name="search").kickoff())

        @router(search)
        def judged(self, found: str) -> str:
            self.state["found"] = found
            return "noteworthy" if "open" in found else "idle"

        @listen("noteworthy")
        def note(self) -> str:
            task = make_task(make_agent(context, "clerk"), "note this: {found}")
            crew = make_crew(task, name="note")
            return str(crew.kickoff(inputs={"found": self.state["found"]}))

        @listen("idle")
        def rest(self) -> str:
            return "nothing to note"

    return str(Journey().kickoff())


def memory(context: CaseContext) -> str:
    """A crew that stores the result of its first task in memory and recalls it in the second."""
    if find_spec("crewai.memory.unified_memory") is None:
        raise UnsupportedFeatureError("this CrewAI has no unified memory")
    from crewai.memory.unified_memory import Memory

    def embed(texts: list[str]) -> list[list[float]]:
        headers = {AGENT_HEADER: "embedder"}
        with OpenAI(base_url=context.base_url, api_key=API_KEY, default_headers=headers) as client:
            return [
                client.embeddings.create(model="embedding", input=text).data[0].embedding
                for text in texts
            ]

    with TemporaryDirectory() as folder:
        stored = Memory(llm=make_model(context, "scout"), embedder=embed, storage=folder)
        scout = make_agent(context, "scout")
        tasks = [make_task(scout, "find the pass"), make_task(scout, "say which pass it was")]
        return str(make_crew(*tasks, memory=stored).kickoff())
