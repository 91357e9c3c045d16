"""The model says Austria, asks for AUS, and tells Australia's figure as Austria's.

What it says and what it calls stand side by side in one reply, and nobody compares them. Facts in
the index are filed by country and do not name it, so that the result gives nothing away, the answer
cites it, and the check is content. Look at get_tool_calls: its text and its call disagree.
"""

from collections.abc import Mapping
from typing import Any

from scenarios.expectations import concludes, ends
from scenarios.expectations.figures import repeats, states
from scenarios.expectations.search import asks_another_country, asks_as_it_says
from scenarios.expectations.tools import calls, fails_to_call
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given


def whatever_it_asks(task: str, said: str, arguments: Mapping[str, Any]) -> None:
    """The mistake: a call is made as it stands, whatever the model says that it is about."""


SCENARIO = Scenario(
    mode="FM-2.6 reasoning-action mismatch",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.search_agent:research",
    task="What was inflation in Austria (AUT)${and_also} in ${year}?",
    inputs={
        "and_also": one_of(""),
        "year": one_of("2023", "2022", "2019", "2014"),
        "austria": between(6.9, 9.4, published=7.8, places=1),
        "australia": between(1.2, 6.4, published=5.6, places=1),
    },
    services=("index",),
    broken=given(vets=whatever_it_asks),
    fixed=given(),
    twin=given().about(and_also=one_of(" and in Australia (AUS)")),
    expect_broken=(
        ends("OK"),
        concludes("answered"),
        calls("searcher", "search_index", times=1, answered="%"),
        asks_another_country("searcher", "search_index"),
        repeats("search_index", of="searcher", by=("searcher",)),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("answered"),
        calls("searcher", "search_index", times=2),
        fails_to_call("searcher", "search_index", times=1, saying="the call was not made"),
        asks_as_it_says("searcher", "search_index"),
        repeats("search_index", of="searcher", by=("searcher",)),
    ),
    expect_twin=(
        ends("OK"),
        concludes("answered"),
        calls("searcher", "search_index", times=2, answered="%"),
        asks_as_it_says("searcher", "search_index"),
        states("searcher", figures_at_least=2, figures_at_most=2),
    ),
    origin=Origin("searcher", "get_tool_calls"),
)
