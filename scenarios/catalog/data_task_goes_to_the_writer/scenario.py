"""The manager gives the search for figures to the writer, who has no tool to search with.

The roster names four coworkers, and does not say what each of them can do. The writer answers, in
truth, that it has no data; the manager passes that on, and in the end there is a briefing that says
so and is verified, since a text without figures has none that are wrong. Look at the delegations:
the specialist, who has the tool, never had a turn, and the World Bank was never asked.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scenarios.expectations import (
    calls_tool,
    delegates_to,
    delegates_without_calling,
    ends_with_status,
    has_root_attribute,
    never_runs,
    output_contains,
    output_lacks,
    reaches_outcome,
    repeats_tool_figures,
    states_figures,
)
from scenarios.inputs import number_between, one_of
from scenarios.scenario import Origin, Scenario, variant_with
from workflows.roster import who_has_what

if TYPE_CHECKING:
    from crewai import Agent


def names_alone(agents: "Sequence[Agent]") -> str:
    """The mistake: a roster that says who is there, and not who has which tool."""
    return "\n".join(agent.role for agent in agents)


def names_and_a_rule(agents: "Sequence[Agent]") -> str:
    """Names alone once more; but what comes back undone is given to someone else."""
    return names_alone(agents) + "\nIf one has no tool for a task, give the task to another."


PASSED_ON_BY = ("specialist", "analyst", "synthesist")

SCENARIO = Scenario(
    failure_mode="misrouted delegation",
    source="practitioners' reports",
    workflow="workflows.crew_finance:briefing",
    task="Write a briefing on inflation (FP.CPI.TOTL.ZG) in France (FRA) in ${year}.",
    inputs={
        "year": one_of("2023", "2022", "2021", "2018"),
        "value": number_between(1.1, 9.4, published=4.8783572650844, places=6),
    },
    services=("world_bank",),
    broken=variant_with(led_by=names_alone),
    fixed=variant_with(led_by=who_has_what),
    twin=variant_with(led_by=names_and_a_rule),
    expect_broken=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        delegates_to("manager", "synthesist", times=2),
        delegates_without_calling("figures", tool="world_bank_indicator"),
        has_root_attribute("flight_recorder.routing.failed_delegations", 1),
        never_runs("specialist"),
        states_figures("analyst", at_most=0),
        states_figures("synthesist", at_most=0),
        calls_tool("synthesist", "check_figures", times=1, returning='"verified": true'),
        has_root_attribute("flight_recorder.validation.report_number_count", 0),
        output_contains("There is no data"),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        delegates_to("manager", "specialist"),
        delegates_to("manager", "synthesist"),
        has_root_attribute("flight_recorder.routing.failed_delegations", 0),
        calls_tool("specialist", "world_bank_indicator", times=1),
        repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=PASSED_ON_BY
        ),
        output_lacks("no data"),
    ),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("verified"),
        delegates_to("manager", "synthesist", times=2),
        delegates_to("manager", "specialist"),
        has_root_attribute("flight_recorder.routing.failed_delegations", 1),
        calls_tool("specialist", "world_bank_indicator", times=1),
        repeats_tool_figures(
            "world_bank_indicator", called_by="specialist", stated_by=PASSED_ON_BY
        ),
        output_lacks("no data"),
    ),
    origin=Origin("manager", "manager → synthesist", task="figures"),
)
