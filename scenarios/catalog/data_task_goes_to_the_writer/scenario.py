"""The manager gives the search for figures to the writer, who has no tool to search with.

The roster names four coworkers, and does not say what each of them can do. The writer answers, in
truth, that it has no data; the manager passes that on, and in the end there is a briefing that says
so and is verified, since a text without figures has none that are wrong. Look at the delegations:
the specialist, who has the tool, never had a turn, and the World Bank was never asked.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scenarios.expectations import concludes, ends, never_reaches, output_keeps, output_lacks
from scenarios.expectations.delegation import delegates, delegates_in_vain
from scenarios.expectations.figures import measures, repeats, states
from scenarios.expectations.tools import calls
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given
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
    mode="misrouted delegation",
    source="practitioners' reports",
    workflow="workflows.crew_finance:briefing",
    task="Write a briefing on inflation (FP.CPI.TOTL.ZG) in France (FRA) in ${year}.",
    inputs={
        "year": one_of("2023", "2022", "2021", "2018"),
        "value": between(1.1, 9.4, published=4.8783572650844, places=6),
    },
    services=("world_bank",),
    broken=given(led_by=names_alone),
    fixed=given(led_by=who_has_what),
    twin=given(led_by=names_and_a_rule),
    expect_broken=(
        ends("OK"),
        concludes("verified"),
        delegates("manager", "synthesist", times=2),
        delegates_in_vain("figures", lacking="world_bank_indicator"),
        measures("routing.failed_delegations", 1),
        never_reaches("specialist"),
        states("analyst", figures_at_most=0),
        states("synthesist", figures_at_most=0),
        calls("synthesist", "check_figures", times=1, answered='"verified": true'),
        measures("validation.report_number_count", 0),
        output_keeps("There is no data"),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("verified"),
        delegates("manager", "specialist"),
        delegates("manager", "synthesist"),
        measures("routing.failed_delegations", 0),
        calls("specialist", "world_bank_indicator", times=1),
        repeats("world_bank_indicator", of="specialist", by=PASSED_ON_BY),
        output_lacks("no data"),
    ),
    expect_twin=(
        ends("OK"),
        concludes("verified"),
        delegates("manager", "synthesist", times=2),
        delegates("manager", "specialist"),
        measures("routing.failed_delegations", 1),
        calls("specialist", "world_bank_indicator", times=1),
        repeats("world_bank_indicator", of="specialist", by=PASSED_ON_BY),
        output_lacks("no data"),
    ),
    origin=Origin("manager", "manager → synthesist", task="figures"),
)
