"""The index cannot read its documents and says so, and a tool asks it again without end.

The copying of the index's file broke off in the middle of a line, so the service, a process of its
own, answers 503 with that reason and with Retry-After. The tool hears only that it is to come
again. Look beneath the call of search_index: each attempt stands beside what the service wrote of
it into the same trace, and the reason is not one that waiting mends. The web had answered long
before, and nobody was told.
"""

from pathlib import Path

from scenarios.expectations import (
    calls_tool,
    ends_with_status,
    failed_attempts_have_cause,
    has_failed_attempts,
    never_receives_tool_results,
    output_contains,
    reaches_outcome,
    receives_tool_results,
    repeats_tool_figures,
    tool_call_fails,
)
from scenarios.inputs import number_between, one_of
from scenarios.scenario import Origin, Scenario, variant_with

TORN = Path(__file__).with_name("documents.jsonl")
"""What a copy that broke off has left of the index's documents."""


def for_ever(asked: int, retry_after_s: float | None) -> float | None:
    """The mistake: a 503 is asked again after twice the wait, and there is no last time."""
    return 2.0 ** (asked - 3)


SCENARIO = Scenario(
    failure_mode="runaway retries and tokens",
    source="practitioners' reports; RFC 9110, section 10.2.3 (Retry-After)",
    workflow="workflows.search_agent:research",
    task="How many metres high is the highest point of ${country}?",
    inputs={
        "country": one_of("FRA", "ITA", "CHE", "AUT"),
        "height": number_between(3100.0, 4900.0, published=4805.59, places=2),
    },
    services=("tavily",),
    processes={"index": ("--documents", str(TORN))},
    broken=variant_with(asks_again=for_ever).stopped_after(2.0, lane="index", calls=5),
    fixed=variant_with(),
    expect_broken=(
        ends_with_status("ERROR", message="cancelled"),
        has_failed_attempts("HTTP 503", agent="searcher", times=5),
        failed_attempts_have_cause("searcher", "search_index", service="GET /search"),
        calls_tool("searcher", "web_search", times=1, returning="metres"),
        never_receives_tool_results("searcher", "search_index"),
    ),
    expect_fixed=(
        ends_with_status("OK"),
        reaches_outcome("answered"),
        has_failed_attempts("HTTP 503", agent="searcher", times=3),
        failed_attempts_have_cause("searcher", "search_index", service="GET /search"),
        tool_call_fails("searcher", "search_index", times=1, message="unavailable"),
        receives_tool_results("searcher", "search_index"),
        repeats_tool_figures("web_search", called_by="searcher", stated_by=("searcher",)),
        output_contains("could not be asked"),
    ),
    origin=Origin("searcher", "search_index"),
)
