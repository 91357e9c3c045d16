"""A healthy run: two rounds of searches, two at a time, and an answer that cites all four.

There is nothing to find here, and whatever looks for a failure must find nothing.
"""

from scenarios.expectations import concludes, ends
from scenarios.expectations.citations import cites_well
from scenarios.expectations.figures import repeats, states
from scenarios.expectations.tools import calls
from scenarios.inputs import between
from scenarios.scenario import Scenario, given

SCENARIO = Scenario(
    mode="none",
    source="none",
    workflow="workflows.search_agent:research",
    task=(
        "Did inflation in Austria (AUT) and in Germany (DEU) slow down in 2023, and from how much?"
    ),
    inputs={
        "austria": between(5.1, 8.2, published=7.8, places=1),
        "germany": between(4.1, 6.2, published=5.9, places=1),
        "austria_before": between(8.4, 11.4, published=8.6, places=1),
        "germany_before": between(6.4, 9.4, published=6.9, places=1),
    },
    services=("tavily",),
    twin=given(),
    expect_twin=(
        ends("OK"),
        concludes("answered"),
        calls("searcher", "web_search", times=4, answered="%"),
        repeats("web_search", of="searcher", by=("searcher",)),
        states("searcher", figures_at_least=4, figures_at_most=4),
        cites_well("searcher"),
    ),
)
