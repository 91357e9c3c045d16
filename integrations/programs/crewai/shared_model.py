"""A bare crew: without a tool, so that the one secret in it is the key that its model has."""

from integrations.programs.case_context import World
from integrations.programs.crewai.building_blocks import agent, crew, model, task


def shared_model(world: World) -> str:
    """Two agents of one name share a model object; what the crew says that it has used, in tokens.

    They are a lane together, for a model has one set of headers.
    """
    shared = model(world, "clerk")
    clerks = [agent(world, "clerk", llm=shared) for _ in range(2)]
    office = crew(*(task(clerk, f"do part {part}") for part, clerk in enumerate(clerks, 1)))
    office.kickoff()
    return str(office.usage_metrics.total_tokens if office.usage_metrics else 0)
