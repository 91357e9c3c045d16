"""A healthy run: two rounds of two concurrent searches, and an answer that cites all four results.

There is no failure here, and a check for failures must not find one.
"""

from scenarios import expectations as expect
from scenarios.scenario import Scenario, Variant, number_between

SCENARIO = Scenario(
    workflow="workflows.search_agent:SearchAgent",
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
    twin=Variant(),
    expect_twin=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "web_search", times=4, returning="%"),
        expect.repeats_tool_figures("web_search", called_by="searcher", stated_by=("searcher",)),
        expect.states_figures("searcher", at_least=4, at_most=4),
        expect.cites_supporting_sources("searcher"),
    ),
)
