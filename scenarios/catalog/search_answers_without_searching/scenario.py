"""The answer is told from memory: no search was made, and its figure is out of date.

The model has tools, and the question sounds like one that it knows the answer to. It remembers the
census before the latest, and nothing asks where its figure comes from. Look at get_tool_calls: it
asks for no call, and what it says holds a figure that stands neither in the task nor in a result.
"""

from collections.abc import Sequence

from scenarios.expectations import concludes, ends, output_keeps
from scenarios.expectations.figures import states
from scenarios.expectations.search import claims_unsearched
from scenarios.expectations.tools import calls, never_calls
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given


def whatever_it_says(answer: str, texts: Sequence[str]) -> None:
    """The mistake: an answer is given as it comes, and nobody asks where its figures are from."""


SCENARIO = Scenario(
    mode="invented values",
    source="AgentRx, arXiv 2602.02475",
    workflow="workflows.search_agent:research",
    task="How many people live in Croatia (HRV), by its latest census? ${besides}",
    inputs={
        "besides": one_of("A sentence will do."),
        "people": between(3.4, 4.1, published=3.87, places=2),
    },
    services=("tavily",),
    broken=given(accepts=whatever_it_says),
    fixed=given(),
    twin=given().about(
        besides=one_of(
            "Our files say: 3.87 million, census of 2021.",
            "Our files say: 3.62 million, census of 2021.",
            "Our files say: 3.95 million, census of 2021.",
            "Our files say: 4.06 million, census of 2021.",
        )
    ),
    expect_broken=(
        ends("OK"),
        concludes("answered"),
        never_calls("searcher", "web_search"),
        never_calls("searcher", "search_index"),
        claims_unsearched("searcher"),
        output_keeps(r'"sources": \[\]'),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("answered"),
        calls("searcher", "web_search", times=1, answered="counted"),
        states("searcher", figures_at_least=1, figures_at_most=1),
        output_keeps(r"\[1\]"),
    ),
    expect_twin=(
        ends("OK"),
        concludes("answered"),
        never_calls("searcher", "web_search"),
        never_calls("searcher", "search_index"),
        states("searcher", figures_at_least=1, figures_at_most=1),
        output_keeps(r'"sources": \[\]'),
    ),
    origin=Origin("searcher", "get_tool_calls"),
)
