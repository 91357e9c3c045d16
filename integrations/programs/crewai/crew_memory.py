"""A memory: what a crew keeps of one task, and recalls in the next."""

from importlib.util import find_spec
from tempfile import TemporaryDirectory

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


def memory(world: CaseContext) -> str:
    """What the first task found is remembered, and comes back in the second."""
    if find_spec("crewai.memory.unified_memory") is None:
        raise UnsupportedFeatureError("this CrewAI has no unified memory")
    from crewai.memory.unified_memory import Memory

    def embed(texts: list[str]) -> list[list[float]]:
        headers = {AGENT_HEADER: "embedder"}
        with OpenAI(base_url=world.base_url, api_key=API_KEY, default_headers=headers) as client:
            return [
                client.embeddings.create(model="embedding", input=text).data[0].embedding
                for text in texts
            ]

    with TemporaryDirectory() as folder:
        remembers = Memory(llm=make_model(world, "scout"), embedder=embed, storage=folder)
        scout = make_agent(world, "scout")
        tasks = [make_task(scout, "find the pass"), make_task(scout, "say which pass it was")]
        return str(make_crew(*tasks, memory=remembers).kickoff())
