"""The answer cites a result, but the figure comes from another result.

One result has the average of the year; the other has the rise of prices from December to December.
The model reports the average with the figure of the other result, and the check passes, because
some result has that figure. Look at the last chat_completion, and at the result that it cites.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    failure_mode="tool-output misreading",
    source="AgentRx, arXiv 2602.02475",
    workflow="workflows.search_agent:SearchAgent",
    task="By how much did consumer prices rise in France (FRA) in ${when}?",
    inputs={
        "when": one_of("2023"),
        "average": number_between(4.6, 7.9, published=4.9, places=1),
        "december": number_between(1.1, 3.7, published=3.7, places=1),
        "harmonised": number_between(3.9, 4.5, published=4.1, places=1),
    },
    services=("tavily",),
    broken=Variant("AcceptsAnySource"),
    twin=Variant().about(when=one_of("December 2023")),
    expect_broken=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "web_search", times=1, returning="On average"),
        expect.states_figures("searcher", at_least=1, at_most=1),
        expect.cites_unsupporting_sources("searcher"),
    ),
    expect_fixed=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "web_search", times=1, returning="On average"),
        expect.states_figures("searcher", at_least=2, at_most=2),
        expect.cites_supporting_sources("searcher"),
    ),
    expect_twin=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "web_search", times=1, returning="harmonised"),
        expect.states_figures("searcher", at_least=2, at_most=2),
        expect.cites_supporting_sources("searcher"),
    ),
    origin=FailureOrigin("searcher", "chat_completion"),
)
