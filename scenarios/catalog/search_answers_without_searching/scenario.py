"""The answer is told from memory: no search was made, and its figure is out of date.

The model has tools, and the question sounds like one that it knows the answer to. It remembers the
census before the latest, and nothing asks where its figure comes from. Look at get_tool_calls: it
asks for no call, and what it says holds a figure that stands neither in the task nor in a result.
"""

from collections.abc import Sequence

from scenarios.expectations import (
    calls_tool,
    claims_figure_without_search,
    ends_with_status,
    never_calls_tool,
    output_contains,
    reaches_outcome,
    states_figures,
)
from scenarios.inputs import number_between, one_of
from scenarios.scenario import Origin, Scenario, variant_with


def whatever_it_says(answer: str, texts: Sequence[str]) -> None:
    """The mistake: an answer is given as it comes, and nobody asks where its figures are from."""


SCENARIO = Scenario(
    failure_mode="invented values",
    source="AgentRx, arXiv 2602.02475",
    workflow="workflows.search_agent:research",
    task="How many people live in Croatia (HRV), by its latest census? ${besides}",
    inputs={
        "besides": one_of("A sentence will do."),
        "people": number_between(3.4, 4.1, published=3.87, places=2),
    },
    services=("tavily",),
    broken=variant_with(accepts=whatever_it_says),
    fixed=variant_with(),
    twin=variant_with().about(
        besides=one_of(
            "Our files say: 3.87 million, census of 2021.",
            "Our files say: 3.62 million, census of 2021.",
            "Our files say: 3.95 million, census of 2021.",
            "Our files say: 4.06 million, census of 2021.",
        )
    ),
    expect_broken=(
        ends_with_status("OK"),
        reaches_outcome("answered"),
        never_calls_tool("searcher", "web_search"),
        never_calls_tool("searcher", "search_index"),
        claims_figure_without_search("searcher"),
        output_contains(r'"sources": \[\]'),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("answered"),
        calls_tool("searcher", "web_search", times=1, returning="counted"),
        states_figures("searcher", at_least=1, at_most=1),
        output_contains(r"\[1\]"),
    ),
    expect_twin=(
        ends_with_status("OK"),
        reaches_outcome("answered"),
        never_calls_tool("searcher", "web_search"),
        never_calls_tool("searcher", "search_index"),
        states_figures("searcher", at_least=1, at_most=1),
        output_contains(r'"sources": \[\]'),
    ),
    origin=Origin("searcher", "get_tool_calls"),
)
