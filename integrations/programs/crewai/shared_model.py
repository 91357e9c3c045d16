"""A bare crew: without a tool, so that the one secret in it is the key that its model has."""

from integrations.programs.case_context import CaseContext
from integrations.programs.crewai.building_blocks import (
    make_agent,
    make_crew,
    make_model,
    make_task,
)


def shared_model(world: CaseContext) -> str:
    """Two agents of one name share a model object; what the crew says that it has used, in tokens.

    They are a lane together, for a model has one set of headers.
    """
    shared = make_model(world, "clerk")
    clerks = [make_agent(world, "clerk", llm=shared) for _ in range(2)]
    office = make_crew(
        *(make_task(clerk, f"do part {part}") for part, clerk in enumerate(clerks, 1))
    )
    office.kickoff()
    return str(office.usage_metrics.total_tokens if office.usage_metrics else 0)
