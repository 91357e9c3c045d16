"""A search is never made, and the answer is that there is nothing to find.

The model puts a phrase in quotes and does not escape them, so that the arguments of its call are no
JSON. That is passed over, the tool answers with no results, and the model takes them for what the
web has to say. Look at web_search: its arguments stayed a text, and it ends OK with nothing in it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scenarios.expectations import concludes, ends, output_keeps
from scenarios.expectations.figures import states
from scenarios.expectations.search import swallows_arguments
from scenarios.expectations.tools import calls, fails_to_call
from scenarios.inputs import between, one_of
from scenarios.scenario import Origin, Scenario, given
from workflows.search_arguments import BadArguments, as_it_takes

if TYPE_CHECKING:
    from pydantic import BaseModel


def if_it_can_be_read(arguments: str, shape: "type[BaseModel]") -> Mapping[str, Any] | None:
    """The mistake: what cannot be read is passed over, and looks like a search without results."""
    try:
        return as_it_takes(arguments, shape)
    except BadArguments:
        return None


NOTHING = r'^{"results": \[\]}$'

SCENARIO = Scenario(
    mode="invalid invocation",
    source="AgentRx, arXiv 2602.02475",
    workflow="workflows.search_agent:research",
    task='What was "core inflation" in France (FRA) in ${year}${if_any}?',
    inputs={
        "year": one_of("2023", "2022", "2021", "2020"),
        "if_any": one_of(""),
        "rate": between(0.6, 6.4, published=5.1, places=1),
    },
    services=("tavily",),
    broken=given(reads=if_it_can_be_read),
    fixed=given(),
    twin=given().about(year=one_of("2031", "2032", "2033"), if_any=one_of(", if it is out")),
    expect_broken=(
        ends("OK"),
        concludes("answered"),
        calls("searcher", "web_search", times=1, answered=NOTHING),
        swallows_arguments("searcher", "web_search"),
        states("searcher", figures_at_most=0),
        output_keeps("found nothing"),
    ),
    expect_fixed=(
        ends("OK"),
        concludes("answered"),
        calls("searcher", "web_search", times=2),
        fails_to_call("searcher", "web_search", times=1, saying="the arguments were not read"),
        states("searcher", figures_at_least=1, figures_at_most=1),
        output_keeps(r"\[1\]"),
    ),
    expect_twin=(
        ends("OK"),
        concludes("answered"),
        calls("searcher", "web_search", times=1, answered=NOTHING),
        states("searcher", figures_at_most=0),
        output_keeps("found nothing"),
    ),
    origin=Origin("searcher", "web_search"),
)
