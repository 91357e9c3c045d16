"""A search is never made, and the answer says that there is nothing to find.

The model puts a phrase in quotes and does not escape them, so that the arguments of its call are
not JSON. The agent ignores that, the tool returns no results, and the model reports that the web
has none. Look at web_search: its arguments are still a text, and it ends OK with an empty list.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

NO_RESULTS = r'^{"results": \[\]}$'

SCENARIO = Scenario(
    failure_mode="invalid invocation",
    source="AgentRx, arXiv 2602.02475",
    workflow="workflows.search_agent:SearchAgent",
    task='What was "core inflation" in France (FRA) in ${year}${if_any}?',
    inputs={
        "year": one_of("2023", "2022", "2021", "2020"),
        "if_any": one_of(""),
        "rate": number_between(0.6, 6.4, published=5.1, places=1),
    },
    services=("tavily",),
    broken=Variant("IgnoresMalformedArguments"),
    twin=Variant().about(year=one_of("2031", "2032", "2033"), if_any=one_of(", if it is out")),
    expect_broken=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "web_search", times=1, returning=NO_RESULTS),
        expect.ignores_malformed_arguments("searcher", "web_search"),
        expect.states_figures("searcher", at_most=0),
        expect.output_contains("found nothing"),
    ),
    expect_fixed=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "web_search", times=2),
        expect.tool_call_fails(
            "searcher", "web_search", times=1, message="the arguments were not read"
        ),
        expect.states_figures("searcher", at_least=1, at_most=1),
        expect.output_contains(r"\[1\]"),
    ),
    expect_twin=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "web_search", times=1, returning=NO_RESULTS),
        expect.states_figures("searcher", at_most=0),
        expect.output_contains("found nothing"),
    ),
    origin=FailureOrigin("searcher", "web_search"),
)
