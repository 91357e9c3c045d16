"""The judge passes a figure from memory, because its rubric rewards a confident tone.

The model does not search: it remembers the census before the latest one, and says so without a
doubt. The judge is shown that there are no results, and does what it was told to do. Look at the
judge's chat_completion: the rubric is its system prompt. With a rubric that asks where a figure
comes from, the same judge objects, and the model searches.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    failure_mode="FM-3.3 incorrect verification",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.lifecycle.judged_search:JudgedSearchAgent",
    task="How many people live in Portugal (PRT), by its latest census? ${besides}",
    inputs={
        "besides": one_of("A sentence will do."),
        "people": number_between(10.1, 10.5, published=10.34, places=2),
    },
    services=("tavily",),
    broken=Variant("RewardsConfidence"),
    twin=Variant().about(besides=one_of("Do not hedge.", "Be sure of yourself.")),
    expect_broken=(
        expect.reaches_outcome("answered"),
        expect.never_calls_tool("searcher", "web_search"),
        expect.claims_figure_without_search("searcher"),
        expect.takes_turns("judge", 1),
        expect.every_prompt_contains("judge", "Results: none"),
        expect.output_contains("latest census"),
    ),
    expect_fixed=(
        expect.reaches_outcome("answered"),
        expect.takes_turns("judge", 2),
        expect.calls_tool("searcher", "web_search", times=1, returning="counted"),
        expect.output_contains(r"\[1\]"),
    ),
    expect_twin=(
        expect.reaches_outcome("answered"),
        expect.takes_turns("judge", 1),
        expect.calls_tool("searcher", "web_search", times=1, returning="counted"),
        expect.output_contains(r"Without a doubt"),
    ),
    origin=FailureOrigin("searcher", "chat_completion", occurrence=0),
)
