"""CrewAI programs: each way to start a crew and to divide its work."""

from crewai import Crew

from integrations.programs.case_context import CaseContext, UnsupportedFeatureError
from integrations.programs.crewai.building_blocks import (
    make_agent,
    make_crew,
    make_managed_crew,
    make_model,
    make_scout_and_clerk_crew,
    make_task,
)

DELEGATION_TOOL = "delegate_work_to_coworker"
"""A tool of CrewAI's own. The program records its runs: the coworker's answer proves them."""


def sequential(context: CaseContext) -> str:
    """Two tasks, one after the other."""
    return str(make_scout_and_clerk_crew(context).kickoff())


async def kickoff_async(context: CaseContext) -> str:
    """The same crew, run by CrewAI in a thread."""
    return str(await make_scout_and_clerk_crew(context).kickoff_async())


async def akickoff(context: CaseContext) -> str:
    """The same crew, asynchronous down to its completions."""
    if not hasattr(Crew, "akickoff"):
        raise UnsupportedFeatureError("this CrewAI has no akickoff")
    return str(await make_scout_and_clerk_crew(context).akickoff())


def for_each(context: CaseContext) -> str:
    """One crew, started once for each of three inputs."""
    clerk = make_agent(context, "clerk", has_lookup_tool=True)
    crew = make_crew(make_task(clerk, "note what is known of {place}"))
    answers = crew.kickoff_for_each([{"place": place} for place in ("Ulm", "Bern", "Linz")])
    return "\n".join(map(str, answers))


def hierarchical(context: CaseContext) -> str:
    """A manager that delegates the work to a coworker."""
    answer = str(make_managed_crew(context, "scout").kickoff())
    context.record_tool_run("manager", DELEGATION_TOOL)
    return answer


def async_task(context: CaseContext) -> str:
    """Two tasks in parallel, then one that needs both results."""
    parallel = [
        make_task(
            make_agent(context, name, has_lookup_tool=True),
            f"find the {subject}",
            async_execution=True,
        )
        for name, subject in (("scout", "pass"), ("ranger", "weather"))
    ]
    last = make_task(make_agent(context, "clerk"), "note what is found", context=parallel)
    return str(make_crew(*parallel, last).kickoff())


def shared_model(context: CaseContext) -> str:
    """Two agents that share one model object. Returns the crew's own token count.

    The agents have no tools, so the API key is the only secret. A model has one set of headers, so
    both agents have the same name and the same lane.
    """
    model = make_model(context, "clerk")
    clerks = [make_agent(context, "clerk", llm=model) for _ in range(2)]
    crew = make_crew(*(make_task(clerk, f"do part {part}") for part, clerk in enumerate(clerks, 1)))
    crew.kickoff()
    return str(crew.usage_metrics.total_tokens if crew.usage_metrics else 0)
