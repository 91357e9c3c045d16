"""The model says Austria, asks for AUS, and tells Australia's figure as Austria's.

What it says and what it calls stand side by side in one reply, and nobody compares them. Facts in
the index are filed by country and do not name it, so that the result gives nothing away, the answer
cites it, and the check is content. Look at get_tool_calls: its text and its call disagree.
"""

from collections.abc import Mapping
from typing import Any

from scenarios.expectations import (
    calls_tool,
    ends_with_status,
    queries_another_country,
    queries_stated_country,
    reaches_outcome,
    repeats_tool_figures,
    states_figures,
    tool_call_fails,
)
from scenarios.inputs import number_between, one_of
from scenarios.scenario import Origin, Scenario, variant_with


def whatever_it_asks(task: str, said: str, arguments: Mapping[str, Any]) -> None:
    """The mistake: a call is made as it stands, whatever the model says that it is about."""


SCENARIO = Scenario(
    failure_mode="FM-2.6 reasoning-action mismatch",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.search_agent:research",
    task="What was inflation in Austria (AUT)${and_also} in ${year}?",
    inputs={
        "and_also": one_of(""),
        "year": one_of("2023", "2022", "2019", "2014"),
        "austria": number_between(6.9, 9.4, published=7.8, places=1),
        "australia": number_between(1.2, 6.4, published=5.6, places=1),
    },
    services=("index",),
    broken=variant_with(vets=whatever_it_asks),
    fixed=variant_with(),
    twin=variant_with().about(and_also=one_of(" and in Australia (AUS)")),
    expect_broken=(
        ends_with_status("OK"),
        reaches_outcome("answered"),
        calls_tool("searcher", "search_index", times=1, returning="%"),
        queries_another_country("searcher", "search_index"),
        repeats_tool_figures("search_index", called_by="searcher", stated_by=("searcher",)),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("answered"),
        calls_tool("searcher", "search_index", times=2),
        tool_call_fails("searcher", "search_index", times=1, message="the call was not made"),
        queries_stated_country("searcher", "search_index"),
        repeats_tool_figures("search_index", called_by="searcher", stated_by=("searcher",)),
    ),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("answered"),
        calls_tool("searcher", "search_index", times=2, returning="%"),
        queries_stated_country("searcher", "search_index"),
        states_figures("searcher", at_least=2, at_most=2),
    ),
    origin=Origin("searcher", "get_tool_calls"),
)
