"""A memory: what a crew keeps of one task, and recalls in the next."""

from importlib.util import find_spec
from tempfile import TemporaryDirectory

from openai import OpenAI

from integrations.programs.case_context import API_KEY, LANE_HEADER, NotHere, World
from integrations.programs.crewai.building_blocks import agent, crew, model, task


def memory(world: World) -> str:
    """What the first task found is remembered, and comes back in the second."""
    if find_spec("crewai.memory.unified_memory") is None:
        raise NotHere("this CrewAI has no unified memory")
    from crewai.memory.unified_memory import Memory

    def embedded(texts: list[str]) -> list[list[float]]:
        headers = {LANE_HEADER: "embedder"}
        with OpenAI(base_url=world.base_url, api_key=API_KEY, default_headers=headers) as client:
            return [
                client.embeddings.create(model="embedding", input=text).data[0].embedding
                for text in texts
            ]

    with TemporaryDirectory() as folder:
        remembers = Memory(llm=model(world, "scout"), embedder=embedded, storage=folder)
        scout = agent(world, "scout")
        tasks = [task(scout, "find the pass"), task(scout, "say which pass it was")]
        return str(crew(*tasks, memory=remembers).kickoff())
