"""The model answers from memory: it does not search, and its figure is out of date.

The model has tools, but the question sounds like one whose answer it knows. It remembers the census
before the latest one, and nothing asks where its figure comes from. Look at chat_completion: it has
no tool call, and its text has a figure that is in neither the task nor a result.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    failure_mode="invented values",
    source="AgentRx, arXiv 2602.02475",
    workflow="workflows.search_agent:SearchAgent",
    task="How many people live in Croatia (HRV), by its latest census? ${besides}",
    inputs={
        "besides": one_of("A sentence will do."),
        "people": number_between(3.4, 4.1, published=3.87, places=2),
    },
    services=("tavily",),
    broken=Variant("TrustsItsMemory"),
    twin=Variant().about(
        besides=one_of(
            "Our files say: 3.87 million, census of 2021.",
            "Our files say: 3.62 million, census of 2021.",
            "Our files say: 3.95 million, census of 2021.",
            "Our files say: 4.06 million, census of 2021.",
        )
    ),
    expect_broken=(
        expect.reaches_outcome("answered"),
        expect.never_calls_tool("searcher", "web_search"),
        expect.never_calls_tool("searcher", "search_index"),
        expect.claims_figure_without_search("searcher"),
        expect.output_contains(r'"sources": \[\]'),
    ),
    expect_fixed=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "web_search", times=1, returning="counted"),
        expect.states_figures("searcher", at_least=1, at_most=1),
        expect.output_contains(r"\[1\]"),
    ),
    expect_twin=(
        expect.reaches_outcome("answered"),
        expect.never_calls_tool("searcher", "web_search"),
        expect.never_calls_tool("searcher", "search_index"),
        expect.states_figures("searcher", at_least=1, at_most=1),
        expect.output_contains(r'"sources": \[\]'),
    ),
    origin=FailureOrigin("searcher", "chat_completion"),
)
