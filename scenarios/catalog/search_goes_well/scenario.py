"""A healthy run: two rounds of searches, two at a time, and an answer that cites all four.

There is nothing to find here, and whatever looks for a failure must find nothing.
"""

from scenarios.expectations import (
    calls_tool,
    cites_supporting_sources,
    ends_with_status,
    reaches_outcome,
    repeats_tool_figures,
    states_figures,
)
from scenarios.inputs import number_between
from scenarios.scenario import Scenario, variant_with

SCENARIO = Scenario(
    failure_mode="none",
    source="none",
    workflow="workflows.search_agent:research",
    task=(
        "Did inflation in Austria (AUT) and in Germany (DEU) slow down in 2023, and from how much?"
    ),
    inputs={
        "austria": number_between(5.1, 8.2, published=7.8, places=1),
        "germany": number_between(4.1, 6.2, published=5.9, places=1),
        "austria_before": number_between(8.4, 11.4, published=8.6, places=1),
        "germany_before": number_between(6.4, 9.4, published=6.9, places=1),
    },
    services=("tavily",),
    twin=variant_with(),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("answered"),
        calls_tool("searcher", "web_search", times=4, returning="%"),
        repeats_tool_figures("web_search", called_by="searcher", stated_by=("searcher",)),
        states_figures("searcher", at_least=4, at_most=4),
        cites_supporting_sources("searcher"),
    ),
)
