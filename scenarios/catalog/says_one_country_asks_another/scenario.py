"""The model announces Austria, asks for AUS, and reports Australia's figure as Austria's.

The announcement and the call are in the same reply, and nothing compares them. Facts in the index
are filed by country and do not name it, so the result looks right, the answer cites it, and the
check of the answer passes. Look at the first chat_completion: its text and its call disagree.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    failure_mode="FM-2.6 reasoning-action mismatch",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.search_agent:SearchAgent",
    task="What was inflation in Austria (AUT)${and_also} in ${year}?",
    inputs={
        "and_also": one_of(""),
        "year": one_of("2023", "2022", "2019", "2014"),
        "austria": number_between(6.9, 9.4, published=7.8, places=1),
        "australia": number_between(1.2, 6.4, published=5.6, places=1),
    },
    services=("index",),
    broken=Variant("MakesEveryCall"),
    twin=Variant().about(and_also=one_of(" and in Australia (AUS)")),
    expect_broken=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "search_index", times=1, returning="%"),
        expect.queries_another_country("searcher", "search_index"),
        expect.repeats_tool_figures("search_index", called_by="searcher", stated_by=("searcher",)),
    ),
    expect_fixed=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "search_index", times=2),
        expect.tool_call_fails(
            "searcher", "search_index", times=1, message="the call was not made"
        ),
        expect.queries_stated_country("searcher", "search_index"),
        expect.repeats_tool_figures("search_index", called_by="searcher", stated_by=("searcher",)),
    ),
    expect_twin=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "search_index", times=2, returning="%"),
        expect.queries_stated_country("searcher", "search_index"),
        expect.states_figures("searcher", at_least=2, at_most=2),
    ),
    origin=FailureOrigin("searcher", "chat_completion", occurrence=0),
)
