"""The answer cites a result, and the figure is another result's.

One result has the average of the year, the other how far prices stood in December above those of a
year before. The model tells the first with the figure of the second, and the check is content: some
result has it. Look at reflect_tool_calls, and at the result that its answer cites.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scenarios.expectations import concludes, ends
from scenarios.expectations.citations import cites_amiss, cites_well
from scenarios.expectations.figures import states
from scenarios.expectations.tools import calls
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given

if TYPE_CHECKING:
    from workflows.citations import Result


def all_of_them(sentence: str, results: "Sequence[Result]") -> "Sequence[Result]":
    """The mistake: a figure may stand in any result, and not in the one that is cited for it."""
    return results


SCENARIO = Scenario(
    mode="tool-output misreading",
    source="AgentRx, arXiv 2602.02475",
    workflow="workflows.search_agent:research",
    task="By how much did consumer prices rise in France (FRA) in ${when}?",
    inputs={
        "when": one_of("2023"),
        "average": between(4.6, 7.9, published=4.9, places=1),
        "december": between(1.1, 3.7, published=3.7, places=1),
        "harmonised": between(3.9, 4.5, published=4.1, places=1),
    },
    services=("tavily",),
    broken=given(checks=all_of_them),
    fixed=given(),
    twin=given().about(when=one_of("December 2023")),
    expect_broken=(
        ends("OK"),
        concludes("answered"),
        calls("searcher", "web_search", times=1, answered="On average"),
        states("searcher", figures_at_least=1, figures_at_most=1),
        cites_amiss("searcher"),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("answered"),
        calls("searcher", "web_search", times=1, answered="On average"),
        states("searcher", figures_at_least=2, figures_at_most=2),
        cites_well("searcher"),
    ),
    expect_twin=(
        ends("OK"),
        concludes("answered"),
        calls("searcher", "web_search", times=1, answered="harmonised"),
        states("searcher", figures_at_least=2, figures_at_most=2),
        cites_well("searcher"),
    ),
    origin=Origin("searcher", "reflect_tool_calls"),
)
